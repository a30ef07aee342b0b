"""Exit statuses. 0 means that what was asked for is true afterwards, and nothing else does."""

OK = 0
FAILED = 1
USAGE = 2  #: wrong command line, or errors in a configuration
NOT_FOUND = 3  #: no such connection or SA
NOT_PERMITTED = 4
NOT_RUNNING = 7
INTERRUPTED = 130  #: as shells have it for ^C
TERMINATED = 143  #: the same for SIGTERM: `demo` was ended by it

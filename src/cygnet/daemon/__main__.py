"""`python -m cygnet.daemon`: what `cygnet daemon` and `cygnet start` run."""

from __future__ import annotations

import sys

from cygnet.daemon.main import main

if __name__ == "__main__":
    sys.exit(main())

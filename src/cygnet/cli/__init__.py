"""The command line: ``cygnet VERB``. Each verb is a file in ``verbs``; nothing here is slow to import."""

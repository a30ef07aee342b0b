"""What cygnet costs beside strongSwan's charon: `make bench`, or `python -m bench [NAME ...]`."""

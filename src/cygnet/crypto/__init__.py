"""Algorithms as rows: prf, encr, integ, ke; config keywords from them. The only importer of ``cryptography``."""

"""Algorithms as rows: prf, encr, integ, ke; config keywords from them. Only we import ``cryptography``."""

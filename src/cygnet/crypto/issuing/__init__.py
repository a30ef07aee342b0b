"""Makes what a CA hands out: keys, certificates, requests, CRLs, attribute certificates, containers.

All but making a key is a function of its arguments: the time and the serial number are given,
and what RSA-PSS, ECDSA and the containers need of chance comes from the library.
"""

"""IKEv2 on the wire (RFC 7296 §3): bytes <-> values, without state and without keys.

One payload a file; ``payloads`` is the table of all, ``chain`` reads and writes them behind
each other, ``message`` is the whole, ``sealing`` opens and closes encrypted messages,
``rules`` says which payload may stand in which exchange.
"""

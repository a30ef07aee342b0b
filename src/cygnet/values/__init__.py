"""Small immutable values that every other package speaks in; imports nothing of cygnet."""

"""One operation of IKEv2 a file, both roles in it; ``task`` is what they have in common."""

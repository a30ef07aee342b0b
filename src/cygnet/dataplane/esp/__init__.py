"""ESP as RFC 4303 has it, pure: the state of an SA, sealing, opening, the replay window."""

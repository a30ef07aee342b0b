"""swanctl.conf's keywords as tables, one for each kind of section (COMPATIBILITY §2.6)."""

"""The protocol engine: events in, effects out; no socket, no clock, no chance of its own."""

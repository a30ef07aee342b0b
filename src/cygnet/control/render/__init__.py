"""Snapshots as people and programs read them: strongSwan's status text, JSON, vici messages."""

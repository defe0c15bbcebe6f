"""Zalo Bot Platform, for pilots: events in by webhook or getUpdates, plain numbered texts out (channels.md §1.1)."""

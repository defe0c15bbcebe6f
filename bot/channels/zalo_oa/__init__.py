"""Zalo Official Account: signed events in by webhook, messages with buttons and numbers out (channels.md §1.2)."""

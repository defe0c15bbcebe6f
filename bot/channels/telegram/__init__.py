"""Telegram: updates in by long polling or webhook, messages out through the Bot API."""

"""The doors people write through, each a small adapter on one protocol (`base.Channel`)."""

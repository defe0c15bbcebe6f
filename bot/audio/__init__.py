"""Sentences as recordings, for who cannot read them (locales/<language>/audio)."""

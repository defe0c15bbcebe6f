"""What several doors do alike between our words and a platform's bytes. It knows no platform and no other channel."""

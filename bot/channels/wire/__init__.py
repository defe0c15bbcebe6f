"""What several doors do alike between our words and a platform's bytes. It knows no channel.

`zalo` is for the two platforms of Zalo; the others know no platform.
"""

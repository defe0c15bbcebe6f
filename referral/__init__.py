"""Who may need what, and who may be told. Pure: no clock, no network, no randomness."""

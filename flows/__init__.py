"""How a conversation moves. Pure: no clock, no network, no randomness."""

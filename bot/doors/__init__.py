"""The three black-box doors: JSON lines in, JSON lines out, deterministic, no network, no wall clock (docs/doors.md)."""

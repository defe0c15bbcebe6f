"""What people send as files: told apart by content, cleaned for viewing in a process of its own, or kept from view."""

"""What an officer's account is made of: passwords that are not easily guessed, a second factor, new officers' codes."""

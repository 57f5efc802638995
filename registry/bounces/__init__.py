"""What comes back of letters: the meaning of a server's reply, and of a message that returns."""

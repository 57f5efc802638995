"""Schema migrations; they never import the application."""

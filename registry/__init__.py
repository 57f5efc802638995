"""The outcomes registry: whatever touches the database or the network."""

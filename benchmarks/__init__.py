"""How near the registry comes to what this machine can do, measured in the same run."""

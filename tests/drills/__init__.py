"""Drills: what would take minutes or a file system of its own, done for once, with its outcome."""

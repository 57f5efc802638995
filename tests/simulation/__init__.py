"""The registry's own code under a simulated week of bad luck: one process, one seed, one replay."""

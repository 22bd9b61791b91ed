"""Simulate: the real core on a virtual clock and an in-memory database; nothing leaves the process."""

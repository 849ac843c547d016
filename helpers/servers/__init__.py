"""Servers: which there are, how they let us in, and what they can."""

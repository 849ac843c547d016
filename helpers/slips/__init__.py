"""Python's own slips in plain words: a name without a value, a missing quote or bracket."""

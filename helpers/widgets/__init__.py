"""Widgets: each shows in a notebook what a plain function does, and the code that does it."""

"""A study to files, and files to a server."""

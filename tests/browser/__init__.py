"""A package, so that fixtures of the scope "package" end with the last test of this folder."""

"""Widgets: each shows in a notebook what a plain function does, and the code that does it.

To add one: a module here with a class on `panel.Panel`, whose docstring has an example that makes
one (the tests of all widgets look at that); its name in the table `helpers/__init__.pyi`; and a
test of its own in tests/helpers/widgets.
"""

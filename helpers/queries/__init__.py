"""The functions beside the widgets: search, browse, compare."""

"""The exercises of the deeper row: one module for each notebook of `notebooks/deeper`."""

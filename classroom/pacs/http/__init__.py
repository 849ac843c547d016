"""The HTTP server below the PACS: who may ask, bodies, and `listener.listen`, the door to it."""

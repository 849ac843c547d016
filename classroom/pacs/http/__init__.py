"""The HTTP server below the PACS: connections, bodies, who may ask."""

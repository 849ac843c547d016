"""The exercises of deeper/multipart: take bodies to pieces."""

NOTEBOOK = "deeper/multipart"

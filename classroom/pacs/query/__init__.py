"""A query of QIDO-RS: read, and matched against what the archive holds."""

"""From encoded frames to pictures."""

"""The page of the demo, driven in a real browser."""

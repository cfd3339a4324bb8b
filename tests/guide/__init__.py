"""Writes docs/guide.md from a real run: ``python -m tests.guide``."""

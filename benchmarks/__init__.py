"""Benchmarks, each compared with what a user would use instead; run them with ``make bench``."""

"""Measurements, each beside what a user would use instead: ``make bench`` prints them."""

"""Loops that drive jobs and observations, using the ports."""

"""Drivers: the loops that move jobs and observations on, over the ports."""

"""Incidents: what is known of failures, and what one more event makes of it."""

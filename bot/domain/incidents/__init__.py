"""Incidents: the state of known failures, and how events change it."""

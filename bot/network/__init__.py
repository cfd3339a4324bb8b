"""Looks over the network: does a port answer, is a service ready."""

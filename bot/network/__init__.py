"""Network checks: whether a port answers and whether a service is ready."""

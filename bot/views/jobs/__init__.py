"""A job's message, its parts, and the list of jobs."""

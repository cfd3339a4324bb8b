"""Process infrastructure: clock, threads, tasks, backoff, token buckets."""

"""What a process runs on: time, threads, tasks, waiting longer each time."""

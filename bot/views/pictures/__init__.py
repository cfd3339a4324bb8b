"""Pictures, laid out: the map of the swarm and a job's timeline."""

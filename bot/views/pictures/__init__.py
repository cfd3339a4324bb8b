"""The layout of pictures: the map of the swarm and a job's timeline."""

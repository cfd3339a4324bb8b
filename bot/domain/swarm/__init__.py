"""The swarm as values: services, tasks and nodes, where tasks fit, why they fail."""

"""The swarm as values: services, tasks and nodes, placement, and causes of failures."""

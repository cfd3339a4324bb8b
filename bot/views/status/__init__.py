"""The stack, its services, tasks, nodes and volumes as they are."""

"""The present state of the stack, its services, tasks, nodes and volumes."""

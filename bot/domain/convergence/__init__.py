"""The convergence state machine: from observations of a service to a verdict."""

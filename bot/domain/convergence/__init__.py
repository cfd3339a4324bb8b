"""The convergence machine: from looks at a service to a verdict."""

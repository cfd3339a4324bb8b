"""Deploys of stacks: variables, warnings, stale plans, outcomes, versions."""

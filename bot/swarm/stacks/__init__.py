"""Deploys of stacks: recorded from the real docker CLI, planned, and replayed step by step."""

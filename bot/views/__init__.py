"""Pure rendering of domain values as Slack blocks and texts."""

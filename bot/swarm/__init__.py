"""The only place that knows Docker."""

"""The Slack adapter: the only package that knows Slack."""

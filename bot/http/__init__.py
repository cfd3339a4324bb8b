"""The bot's own HTTP server: health, metrics, Slack's signed requests."""

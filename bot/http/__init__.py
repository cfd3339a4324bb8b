"""The bot's HTTP server: health, metrics, and signed requests from Slack."""

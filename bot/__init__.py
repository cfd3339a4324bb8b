"""The bot: runs what the handlers describe."""

"""The bot: the machine that runs what the handlers describe."""

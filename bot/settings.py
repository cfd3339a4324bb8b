"""Every setting of the bot."""

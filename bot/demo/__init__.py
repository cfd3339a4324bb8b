"""What runs the bot without a Slack workspace: the Slack emulator."""

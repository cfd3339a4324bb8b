"""The bot on one machine, with a Slack, a swarm and a Redis for trying it out."""

"""The bot on one machine: with a Slack, a swarm and a Redis that are made for trying it out."""

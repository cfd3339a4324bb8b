"""What each slash sub-command does, one module per command, over the ports."""

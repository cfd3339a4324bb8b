"""The handlers of slash sub-commands, one module per command, using the ports."""

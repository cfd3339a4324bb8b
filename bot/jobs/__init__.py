"""How a job is run: from the message that announces it to its verdict."""

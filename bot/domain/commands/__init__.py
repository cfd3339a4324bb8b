"""Commands: which there are, how they are typed, who may use them, their order."""

"""Commands: their table, their syntax, who may use them, and the order in which they run."""

"""Text and messages as values: what is hidden, what is escaped, what is drawn."""

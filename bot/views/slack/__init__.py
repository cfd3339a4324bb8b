"""Building blocks of messages: Block Kit blocks, text, tables."""

"""Pictures, drawn by matplotlib in a process of its own. Implements ``bot.ports.Drawing``."""

"""Pictures, drawn with Pillow in a thread. Implements ``bot.ports.Drawing``."""

"""Pictures, drawn by Pillow in a thread. Implements ``bot.ports.Drawing``."""

"""Pure rendering: domain values to the blocks and texts that people see."""

"""Pure decision code: takes and returns values. Standard library only, no I/O, no clock."""

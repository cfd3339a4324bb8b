"""The command line: ``python -m bot run`` and ``python -m bot check``."""

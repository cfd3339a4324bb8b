"""An incident's message, its log lines, and the list of incidents."""

"""Text and messages as values: redaction, escaping and figures."""

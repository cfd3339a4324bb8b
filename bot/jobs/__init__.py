"""Running jobs: from the announcing message to the verdict."""

"""Operations on services and nodes: what is refused, what a drain would do."""

"""Operations on services and nodes: preconditions, and the effects of a drain."""

"""The Redis adapter: the only package that knows Redis."""

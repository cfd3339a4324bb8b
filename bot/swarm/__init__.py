"""The Docker adapter: the only package that knows Docker."""

"""Pieces that messages are made of: blocks, text, tables."""

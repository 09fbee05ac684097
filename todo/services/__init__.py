"""Rules that involve several models, as plain functions."""

"""Rules that touch more than one model, as plain functions."""

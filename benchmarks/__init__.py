"""Measurements: what is promised in numbers. Each prints what it saw; none is a test."""

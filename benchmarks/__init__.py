"""Benchmarks. Each prints its measurements; none is a test."""

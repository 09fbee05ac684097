"""Work without a request: the purge."""

"""The log of changes: every write to an account is recorded here, read back, and undone."""

"""Authentication: policy, permissions, passwords, rate limits, cross-site checks."""

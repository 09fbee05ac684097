"""Identity and its limits: policy, permissions, passwords, rate limits, cross-site checks."""

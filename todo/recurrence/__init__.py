"""Recurrence rules (RFC 5545, section 3.3.10) over whole days: pure functions of dates."""

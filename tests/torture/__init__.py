"""Test the guarantees of journal, versions and idempotency keys with kills and concurrency.

The environment variable TORTURE makes the runs long; TORTURE_SEED repeats a run's random choices.
"""

import os

LONG = "TORTURE" in os.environ
SEED = int(os.environ.get("TORTURE_SEED") or int.from_bytes(os.urandom(4)))

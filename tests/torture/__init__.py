"""What the journal, the versions and the keys promise, tried on services that are killed and raced.

TORTURE in the environment makes the runs long; TORTURE_SEED makes the choices of a run again.
"""

import os

LONG = "TORTURE" in os.environ
SEED = int(os.environ.get("TORTURE_SEED") or int.from_bytes(os.urandom(4)))

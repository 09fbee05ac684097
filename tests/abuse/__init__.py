"""Attack the running service as one account or one client, while a well-behaved client uses it.

The environment variable ABUSE makes the attacks long, and prints how long the other client waited.
"""

import os

LONG = "ABUSE" in os.environ
SECONDS = 10 if LONG else 0.5  # of each attack

"""Short names for fixture types."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.client import Client

Capture = pytest.CaptureFixture[str]
Logs = pytest.LogCaptureFixture
Patch = pytest.MonkeyPatch
ApiToken = Callable[..., tuple[int, Client]]  # api_token
SetClock = Callable[[timedelta], datetime]  # set_clock
SetTestView = Callable[[Callable[[Any], Any]], None]  # set_test_view

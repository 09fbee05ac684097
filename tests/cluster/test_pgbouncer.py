"""The functional tests with pgbouncer between the application and PostgreSQL."""

import os
import subprocess
import sys

from tests.support.databases import ROOT, temporary_postgresql_server
from tests.support.pgbouncer import READER, all_databases


def test_functional_tests_pass_behind_pgbouncer() -> None:
    with temporary_postgresql_server() as server, all_databases(server) as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/functional", "-k", "postgresql", "-q", "-n2"],
            cwd=ROOT,
            env=os.environ | {"TEST_POSTGRES_URL": url, "TEST_READING_ROLE": READER},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout

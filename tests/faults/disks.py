"""Full and read-only disks.

They are mounted file systems if this process may mount them. Otherwise the database itself refuses
what such a disk would refuse.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, event, make_url

from tests.support.databases import execute


class Disk(Protocol):
    """The disk of a database."""

    def fill(self) -> None:
        """Use up the free space."""

    def freeze(self) -> None:
        """Make the disk read-only."""

    def repair(self) -> None:
        """Free the space and make the disk writable."""


@dataclass
class SmallDisk:
    """A small tmpfs mounted on a folder."""

    folder: Path

    def fill(self) -> None:
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"x" * 4096):
                pass

    def freeze(self) -> None:
        _run("mount", "-o", "remount,ro", str(self.folder))

    def repair(self) -> None:
        _run("mount", "-o", "remount,rw", str(self.folder))
        (self.folder / "ballast").unlink(missing_ok=True)


class LimitedSQLite:
    """SQLite limited by pragmas that are set on each connection."""

    pragmas: tuple[str, ...] = ()

    def limit_connections(self, engine: Engine) -> None:
        """Apply the limits to the connections of the engine."""
        event.listen(engine, "checkout", self._set_pragmas)

    def _set_pragmas(self, connection: Any, *_: object) -> None:
        for pragma in self.pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def fill(self) -> None:
        self.pragmas = ("max_page_count = 1",)  # SQLite raises it to the current size

    def freeze(self) -> None:
        self.pragmas = ("query_only = on",)

    def repair(self) -> None:
        self.pragmas = ("max_page_count = 1000000", "query_only = off")


@dataclass
class LimitedPostgreSQL:
    """PostgreSQL that refuses new tasks as on a full disk, or is read-only."""

    url: str
    server: str  # another database of the same server, used to alter this one

    def fill(self) -> None:
        execute(
            self.url,
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$",
        )
        execute(self.url, "CREATE TRIGGER refuse BEFORE INSERT ON tasks EXECUTE FUNCTION refuse()")

    def freeze(self) -> None:
        self._set_read_only("on")

    def repair(self) -> None:
        self._set_read_only("off")
        execute(self.url, "DROP FUNCTION IF EXISTS refuse CASCADE")

    def _set_read_only(self, value: str) -> None:
        name = make_url(self.url).database
        change = f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'
        execute(self.server, change)


@contextmanager
def small_disk(size: str, owner: str | None = None) -> Iterator[SmallDisk | None]:
    """Mount a disk of a size, such as 1m, for its owner; yield None if this is not permitted."""
    with tempfile.TemporaryDirectory(prefix="todo-disk-") as folder:
        if not _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder, check=False):
            yield None
            return
        try:
            if owner is not None:
                shutil.chown(folder, owner)
            yield SmallDisk(Path(folder))
        finally:
            _run("umount", "--lazy", folder)


def _run(*command: str, check: bool = True) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=check, timeout=10).returncode == 0

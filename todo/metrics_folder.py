"""The folder in which several processes of the service add up their metrics.

prometheus-client keeps numbers in files of the folder that its own variable names, a set of files
for each process, and in memory without the variable.
"""

import atexit
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from prometheus_client.multiprocess import mark_process_dead

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def is_shared() -> bool:
    """Return whether several processes add up their metrics."""
    return VARIABLE in os.environ


def prepare() -> None:
    """Check the folder, and remove the gauges that processes that were killed have left behind.

    Call it before the first metric is made. Until keep() is called, the process removes its files
    at its end: a start that is refused is often retried each second, and would fill the folder.
    Raise SystemExit (one line) if the folder is unusable.
    """
    if not is_shared():
        return
    folder = os.environ[VARIABLE]
    try:
        if not folder:
            raise ValueError("its name is empty")
        TemporaryFile(dir=folder).close()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SystemExit(
            f"todo: {VARIABLE}: cannot write to the folder {folder!r}: {reason}; create it, let "
            "this user write to it, or unset the variable"
        ) from None
    for path in Path(folder).glob("gauge_live*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_other_process(int(pid)):
            _remove_gauges(int(pid))
    atexit.register(_remove_files)


def keep() -> None:
    """Keep the counts of this process after its end, because a sum must never decrease."""
    if is_shared():
        atexit.unregister(_remove_files)
        atexit.register(_remove_gauges, os.getpid())


def _remove_files() -> None:
    for path in Path(os.environ[VARIABLE]).glob(f"*_{os.getpid()}.db"):
        path.unlink(missing_ok=True)


def _remove_gauges(pid: int) -> None:
    """Remove the gauges of the process that say what it has at present, such as connections."""
    with suppress(FileNotFoundError):  # another process removes the same file
        mark_process_dead(pid)


def _is_other_process(pid: int) -> bool:
    """Return whether another process than this one has the number now."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)  # sends nothing: kill(2)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

"""The pools of connections, which measure how they are used."""

from typing import Any

from sqlalchemy import Engine, event, exc
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from todo.metrics import POOL_CONNECTIONS, POOL_TIMEOUTS

WRITING, READING = "writing", "reading"


class MeasuredPool(QueuePool):
    """A pool that counts the attempts that time out. Its `logging_name` is the label."""

    __module__ = QueuePool.__module__  # so that the lines it logs are those of sqlalchemy

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except exc.TimeoutError:
            POOL_TIMEOUTS.labels(self.logging_name).inc()
            raise


def listen(engine: Engine, name: str) -> None:
    """Register the listeners that count the connections of the engine's pool."""
    in_use = POOL_CONNECTIONS.labels(name, "in_use")
    idle = POOL_CONNECTIONS.labels(name, "idle")

    def opened(*_: Any) -> None:
        idle.inc()

    def closed(*_: Any) -> None:
        idle.dec()

    def taken(*_: Any) -> None:
        idle.dec()
        in_use.inc()

    def returned(*_: Any) -> None:
        in_use.dec()
        idle.inc()

    for moment, count in (
        ("connect", opened),
        ("close", closed),
        ("checkout", taken),
        ("checkin", returned),
    ):
        event.listen(engine, moment, count)

"""The sockets of a process: which of them has something to do, as the operating system tells it.

waitress asks each connection before it waits, and every request wakes it once more when it is
answered. So each connection costs all requests time, also one that rests, as those of a proxy and
of browsers do. Here the operating system is told once what each is watched for (epoll or kqueue),
and who has answered wakes the loop only if something is left to do.
"""

import threading
from collections import deque
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from todo.dispatcher import PATIENCE


class Channel(HTTPChannel):
    """A connection."""

    watched_for = 0  # EVENT_READ, EVENT_WRITE, or for nothing

    def add_channel(self, map: Any = None) -> None:  # noqa: A002
        """Take part in the loop, as waitress calls it."""
        super().add_channel(map)
        self.server.watch(self, EVENT_READ)

    def del_channel(self, map: Any = None) -> None:  # noqa: A002
        """Leave the loop, before the socket is closed."""
        self.server.watch(self, 0)
        super().del_channel(map)

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what the socket takes. The loop alone closes a connection that is lost."""
        sent: int = super().send(data, do_close and self.server.answering.channel is None)
        return sent

    def service(self) -> None:
        """Answer a request, in a thread of its own."""
        self.server.answering.channel = self
        super().service()

    def settle(self) -> None:
        """Let the connection be watched for what can be done next, if it is not closed."""
        if self.connected:
            self.server.watch(self, EVENT_WRITE if self.writable() else EVENT_READ)

    def handle(self, events: int) -> None:
        """Do what can be done now."""
        if events & EVENT_WRITE:
            wasyncore.write(self)
        elif self.readable():
            wasyncore.read(self)
        else:
            # It sends on before it has its answer. Whoever answers finds it unwatched, and wakes
            # the loop; or has just answered, and is found here.
            self.server.watch(self, 0)
            if not self.readable():
                return
        self.settle()


class Answering(threading.local):
    """The connection that the calling thread answers."""

    channel: Channel | None = None


class Server(TcpWSGIServer):
    """The socket that listens, and the loop in which it and its connections do what they have to.

    All but pull_trigger() is for the thread of the loop alone.
    """

    channel_class: type[Channel] = Channel
    watched_for = 0

    def __init__(self, application: Any, listening: Any, dispatcher: Any, adjustments: Any) -> None:
        self.selector = DefaultSelector()
        self.answering = Answering()
        self.unsettled: deque[Channel] = deque()
        sockinfo = listening.family, listening.type, listening.proto, listening.getsockname()
        super().__init__(
            application,
            {},
            _sock=listening,
            dispatcher=dispatcher,
            adj=adjustments,
            sockinfo=sockinfo,
            bind_socket=False,
        )
        self.selector.register(self.trigger._fileno, EVENT_READ, self.trigger)

    def watch(self, who: Any, events: int) -> None:
        """Watch a connection, or the socket that listens, for the events, or no more."""
        if events == who.watched_for:
            return
        if not events:
            self.selector.unregister(who._fileno)
        elif who.watched_for:
            self.selector.modify(who._fileno, events, who)
        else:
            self.selector.register(who._fileno, events, who)
        who.watched_for = events

    def poll(self, timeout: float) -> None:
        """Do what can be done, or wait for it for some seconds."""
        self.watch(self, EVENT_READ if self.readable() else 0)
        while self.unsettled:
            self.unsettled.popleft().settle()
        if self.task_dispatcher.relieve():
            timeout = min(timeout, PATIENCE)
        for key, events in self.selector.select(timeout):
            if isinstance(key.data, Channel):
                key.data.handle(events)
            else:
                wasyncore.read(key.data)

    def add_task(self, task: Any) -> None:
        """Let a request wait for a thread, and the loop see that nobody waits for long."""
        super().add_task(task)
        if self.answering.channel is not None:  # the loop may sleep
            super().pull_trigger()

    def pull_trigger(self) -> None:
        """Wake the loop, unless the connection that the calling thread answers needs nothing."""
        channel = self.answering.channel
        if channel is not None:
            if channel.watched_for and not channel.writable():
                return
            self.unsettled.append(channel)
        super().pull_trigger()

    def maintenance(self, now: float) -> None:
        """Mark who has rested for too long, and let it be closed."""
        super().maintenance(now)
        self.unsettled.extend(self.active_channels.values())

    def del_channel(self, map: Any = None) -> None:  # noqa: A002
        """Leave the loop: another process may have the socket, too, and be told of connections."""
        self.watch(self, 0)
        super().del_channel(map)

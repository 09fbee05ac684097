"""Send a message to a URL of a user, signed by the Standard Webhooks 1.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import asyncio
import hashlib
import hmac
import os
import socket
import ssl
import time
from base64 import b64decode, b64encode
from contextlib import closing
from datetime import datetime
from ipaddress import ip_address
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

from todo import clock
from todo.addresses import Networks, is_allowed
from todo.models.webhook import ERROR_MAX, SECRET_PREFIX

TIMEOUT = 10  # seconds for a look-up, the connection and the whole answer together
MAX_ANSWER = 64 * 1024  # bytes of the answer that are read; nothing is kept

GONE = 410

FIELDS = {
    "Content-Type": "application/json",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": "todo",
}


class Message(NamedTuple):
    """A message to a webhook."""

    id: str  # the same in all attempts
    body: bytes


class Answer(NamedTuple):
    """The receiver's answer to a message."""

    date: datetime
    status: int | None
    error: str | None  # None if the message was delivered
    milliseconds: int


class RefusedAddressError(OSError):
    """The service must not connect to the address."""


def signature_fields(message: Message, secret: str, now: datetime) -> dict[str, str]:
    """Return the header fields that identify and sign the message."""
    timestamp = str(int(now.timestamp()))
    signed = f"{message.id}.{timestamp}.".encode() + message.body
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


class Sender:
    """A client for the messages of one webhook, within an event loop.

    It connects only to public addresses and those in `networks`. The check sees the address of
    each connection, after all look-ups, so no later answer of the DNS can lead elsewhere.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._has_refused = False

    async def __aenter__(self) -> "Sender":
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=1,
                resolver=aiohttp.ThreadedResolver(),
                socket_factory=self._open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            auto_decompress=False,  # a small answer may be gigabytes when decompressed
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def send(self, url: str, secret: str, message: Message) -> Answer:
        """Send the message, and return the receiver's answer, also where it fails."""
        began, now = time.monotonic(), clock.now()
        self._has_refused, status, error = False, None, None
        fields = FIELDS | signature_fields(message, secret, now)
        try:
            async with self._client.post(
                URL(url, encoded=True), data=message.body, headers=fields, allow_redirects=False
            ) as response:
                status = response.status
                await _read(response)
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = self._describe(failure)
        else:
            error = _refusal(status)
        milliseconds = round((time.monotonic() - began) * 1000)
        return Answer(now, status, error and error[:ERROR_MAX], milliseconds)

    def _open_socket(self, info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        if not is_allowed(ip_address(address[0]), self._networks):
            self._has_refused = True
            raise RefusedAddressError("the address is not public")
        return socket.socket(family, kind, protocol)

    def _describe(self, failure: Exception) -> str:
        """Return the sentence for the owner of the webhook. It names no address."""
        if self._has_refused:
            return "The host has an address that is not public, to which nothing is sent."
        if isinstance(failure, TimeoutError):
            return f"There was no complete answer within {TIMEOUT} seconds."
        if isinstance(failure, aiohttp.ClientConnectorDNSError):
            return "The name of the host was not found."
        if isinstance(failure, aiohttp.ClientConnectorCertificateError):
            return f"The certificate is not valid: {_reason(failure.certificate_error)}."
        if isinstance(failure, aiohttp.ClientSSLError):
            return "A TLS connection was not possible."
        if isinstance(failure, aiohttp.ClientConnectorError):
            number = failure.os_error.errno
            reason = f": {os.strerror(number)}" if number else ""
            return f"A connection was not possible{reason}."
        if isinstance(failure, aiohttp.ClientResponseError):
            return "The answer is not valid HTTP."
        return "The connection ended before the answer."


def send_once(url: str, secret: str, message: Message, networks: Networks) -> Answer:
    """Send one message and return the receiver's answer. The thread must have no event loop."""

    async def send() -> Answer:
        async with Sender(networks) as sender:
            return await sender.send(url, secret, message)

    # Not asyncio.run(): it would wait for a look-up that has timed out.
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(send())


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return "The answer is a redirect, which is not followed: change the URL of the webhook."
    return "The status is not from 200 to 299."


async def _read(response: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end, so that the connection can be used again."""
    size = 0
    while size < MAX_ANSWER:
        part = await response.content.read(MAX_ANSWER)
        if not part:
            return
        size += len(part)
    response.close()


def _reason(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else "refused"

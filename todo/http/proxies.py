"""The client's address and scheme behind trusted proxies (X-Forwarded-For, X-Forwarded-Proto)."""

import logging
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from pyramid.config import Configurator
from pyramid.registry import Registry

from todo.addresses import Networks
from todo.http.cors import CORS, OPTIONS
from todo.http.headers import HEADERS
from todo.http.request import Request

logger = logging.getLogger(__name__)

PROXIES = "todo.http.proxies.proxies_tween_factory"

FORWARDED_FOR, FORWARDED_PROTO = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"
MAX_PROXIES = 20  # hops that are read; more are not a chain of proxies

# Never used, and removed as well.
OTHER_FIELDS = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_BY",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
)

_BRACKETED = re.compile(r"\[(?P<address>[^\]]*)\](?::[0-9]+)?")
_WITH_PORT = re.compile(r"(?P<address>[0-9.]+):[0-9]+")


def proxies_tween_factory(handler: Callable[[Request], Any], registry: Registry) -> Any:
    """Replace the address and scheme of requests from trusted proxies by the forwarded ones.

    Remove the forwarding fields from all requests, so that nothing behind this can trust them.
    """
    trusted: Networks = registry["settings"].trusted_proxies
    warned = False

    def proxies_tween(request: Request) -> Any:
        nonlocal warned
        environ = request.environ
        forwarded_for = environ.pop(FORWARDED_FOR, None)
        for name in OTHER_FIELDS:
            environ.pop(name, None)
        scheme = environ.pop(FORWARDED_PROTO, "").rpartition(",")[2].strip().lower()
        if trusted and is_trusted(parse_address(environ.get("REMOTE_ADDR", "")), trusted):
            client = client_address(forwarded_for or "", trusted)
            if client is not None:
                environ["REMOTE_ADDR"] = client
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
        elif forwarded_for is not None and not (trusted or warned):
            warned = True
            logger.warning(
                "Requests have X-Forwarded-For, but no proxy is trusted, so all clients seem to "
                "have the proxy's address: set todo.trusted_proxy (docs/proxy.md)."
            )
        return handler(request)

    return proxies_tween


def client_address(forwarded_for: str, trusted: Networks) -> str | None:
    """Return the last address that is not a trusted proxy's, or None without a valid one.

    Earlier addresses are the client's own claims.
    """
    client = None
    for hop in reversed(forwarded_for.rsplit(",", MAX_PROXIES)[-MAX_PROXIES:]):
        address = parse_address(hop)
        if address is None:
            break
        client = address
        if not is_trusted(address, trusted):
            break
    return None if client is None else str(client)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address of a hop, or None if it is malformed.

    Proxies also write an IPv4 address mapped into IPv6, in brackets, with a port, or with a zone
    (RFC 4007, section 11), which has a meaning only on that machine and is dropped.
    """
    text = text.strip()
    if match := _BRACKETED.fullmatch(text) or _WITH_PORT.fullmatch(text):
        text = match["address"]
    try:
        address = ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_trusted(address: IPv4Address | IPv6Address | None, trusted: Networks) -> bool:
    """Return whether the address is that of a trusted proxy."""
    return address is not None and any(address in network for network in trusted)


def includeme(config: Configurator) -> None:
    config.add_tween(PROXIES, under=HEADERS, over=(CORS, OPTIONS))

"""Forwarded addresses: only those of trusted proxies count, in every spelling."""

from ipaddress import ip_network
from typing import Any

import pytest
from webtest import TestApp

from tests.support.fixtures import Logs
from todo import configure
from todo.http.proxies import client_address, parse_address

TRUSTED = tuple(map(ip_network, ("127.0.0.1", "172.18.0.0/16", "2001:db8:1::/48")))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        *(("203.0.113.5", "203.0.113.5"), (" 203.0.113.5 ", "203.0.113.5")),
        *(("203.0.113.5:49152", "203.0.113.5"), ("::ffff:203.0.113.5", "203.0.113.5")),
        *(("[::ffff:203.0.113.5]:443", "203.0.113.5"), ("2001:DB8::1", "2001:db8::1")),
        *(("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:443", "2001:db8::1")),
        *(("unknown", None), ("_hidden", None), ("", None), ("203.0.113", None), ("[::1", None)),
        *(("203.0.113.5:http", None), ("203.0.113.5, 192.0.2.1", None), ("\u0661.0.0.1", None)),
    ],
)
def test_forwarded_address_is_parsed_in_every_spelling(text: str, address: str | None) -> None:
    parsed = parse_address(text)
    assert (None if parsed is None else str(parsed)) == address


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("192.0.2.1, 203.0.113.5", "203.0.113.5"),
        ("192.0.2.1, 203.0.113.5, 172.18.0.7", "203.0.113.5"),
        ("192.0.2.1, 203.0.113.5,2001:db8:1::7 , 172.18.0.7", "203.0.113.5"),
        ("172.18.0.9, 172.18.0.7", "172.18.0.9"),
        ("192.0.2.1, garbage, 172.18.0.7", "172.18.0.7"),
        ("192.0.2.1, garbage", None),
        ("", None),
    ],
)
def test_client_is_last_untrusted_hop(forwarded_for: str, address: str | None) -> None:
    assert client_address(forwarded_for, TRUSTED) == address


@pytest.mark.parametrize(("trusted", "warnings"), [("", 1), ("172.18.0.0/16", 0)])
def test_forwarded_header_without_trusted_proxy_is_logged_once(
    caplog: Logs, trusted: str, warnings: int
) -> None:
    ini = {"sqlalchemy.url": "sqlite:///none.sqlite", "todo.trusted_proxy": trusted}
    app: Any = TestApp(configure(ini).make_wsgi_app(), {"REMOTE_ADDR": "172.18.0.2"})
    for _ in range(3):
        app.get("/api/v1", headers={"X-Forwarded-For": "203.0.113.5"})
    messages = [message for message in caplog.messages if "no proxy is trusted" in message]
    assert len(messages) == warnings

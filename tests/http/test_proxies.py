"""Forwarded addresses: only those of trusted proxies count, in every spelling."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from webob import Request
from webtest import TestApp

from tests.support.client import Client
from tests.support.databases import database
from tests.support.factories import PASSWORD
from tests.support.fixtures import Logs
from tests.support.running import dispose
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
        *(("fe80::1%eth0", "fe80::1"), ("[fe80::1%25eth0]:443", "fe80::1")),
        *(("::ffff:203.0.113.5%1", "203.0.113.5"), ("203.0.113.5%1", None), ("%eth0", None)),
        *(("fe80::1%\xff\0", "fe80::1"), ("203.0.113.\xb2", None), ("\xff", None)),
        *(("1" * 30_000, None), (":" * 30_000, None), ("[" * 30_000, None)),
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
        *(("", None), (",", None), ("192.0.2.1,", None), ("192.0.2.1, ,172.18.0.7", "172.18.0.7")),
        ("192.0.2.1, \xff\xfe, 172.18.0.7", "172.18.0.7"),
        ("192.0.2.1," * 5000 + "203.0.113.5", "203.0.113.5"),
        ("garbage," * 4000 + "172.18.0.7", "172.18.0.7"),
        # A longer chain of proxies than any real one is read only in part.
        ("192.0.2.1," + "172.18.0.7," * 2999 + "172.18.0.8", "172.18.0.7"),
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


MALFORMED = (
    *("garbage", "", ",", " , ", "192.0.2.1, garbage", "garbage, 192.0.2.{}x", "192.0.2.1, \xff"),
    *("[2001:db8::{}", "203.0.113.{}:http", "unknown", "_hidden", "for=192.0.2.{}", '"192.0.2.{}"'),
    *("192.0.2.{}," * 5000 + "x", "1" * 30_000, "192.0.2.{}\t192.0.2.1", "fe80::1%eth0%{}, x"),
)


def test_malformed_forwarded_address_counts_for_the_proxy(
    database_server: str | Path, migrated_url: str
) -> None:
    """Otherwise each claim of a client would begin a new limit."""
    ini = {"todo.trusted_proxy": "172.18.0.2", "todo.limit_registrations": "1"}
    with database(database_server, template=migrated_url) as url:
        app = configure(ini | {"sqlalchemy.url": url}).make_wsgi_app()
        client = Client(app)
        statuses = []
        for number, forwarded_for in enumerate(("garbage", *MALFORMED)):
            fields = {"username": f"u{number}", "email": "a@example.com", "password": PASSWORD}
            environ = {
                "REMOTE_ADDR": "172.18.0.2",
                "HTTP_X_FORWARDED_FOR": forwarded_for.replace("{}", str(number)),
            }
            answer = client.post("/api/v1/accounts", fields, extra_environ=environ)
            statuses.append(answer.status_int)
        dispose(app)
    assert statuses == [201] + [429] * len(MALFORMED)


@pytest.mark.parametrize(
    ("forwarded_proto", "is_https"),
    [
        *(("https", True), ("HTTPS", True), (" https ", True), ("http, https", True)),
        *(("http", False), ("https, http", False), ("https, garbage", False), ("https,", False)),
        *(("", False), ("garbage", False), ("\xff", False), ("https\0", False)),
        *(("https;a", False), ("https https", False), ("https," * 5000 + "http", False)),
    ],
)
def test_last_forwarded_scheme_counts_if_it_is_valid(forwarded_proto: str, is_https: bool) -> None:
    ini = {"sqlalchemy.url": "sqlite:///none.sqlite", "todo.trusted_proxy": "172.18.0.2"}
    app = configure(ini).make_wsgi_app()
    environ = {"REMOTE_ADDR": "172.18.0.2", "HTTP_X_FORWARDED_PROTO": forwarded_proto}
    response = Request.blank("/api/v1", environ=environ).get_response(app)
    assert response.status_int == 200
    assert ("Strict-Transport-Security" in response.headers) == is_https


@pytest.mark.parametrize("trusted", ["fe80::/10", "fe80::1"])
def test_trusted_proxy_with_zone_is_recognised(trusted: str) -> None:
    """The server names a link-local peer together with its interface."""
    ini = {"sqlalchemy.url": "sqlite:///none.sqlite", "todo.trusted_proxy": trusted}
    app = configure(ini).make_wsgi_app()
    environ = {"REMOTE_ADDR": "fe80::1%eth0", "HTTP_X_FORWARDED_PROTO": "https"}
    response = Request.blank("/api/v1", environ=environ).get_response(app)
    assert "Strict-Transport-Security" in response.headers

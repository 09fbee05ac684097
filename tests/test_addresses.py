"""Public and other addresses, in all forms that lead to the same host."""

from ipaddress import ip_address, ip_network

import pytest

from todo.addresses import is_allowed, is_public, literal_addresses

PUBLIC = [
    *("8.8.8.8", "1.1.1.1", "2606:4700::1111", "2001:4860:4860::8888"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "::8.8.8.8"),
    # Teredo: a server with a public address, and a client of 8.8.8.8, whose bits are inverted.
    "2001:0:808:808::f7f7:f7f7",
]
NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "10.0.0.1", "172.16.0.1"),
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.0.0.1"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1"),
    *("ff0e::1", "2001:db8::1", "100::1", "3fff::1", "5f00::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::ffff:224.0.0.1"),
    *("::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"),
    *("64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff::1"),
    *("2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::"),
    "2001:0:7f00:1::f7f7:f7f7",  # Teredo: a private server
    "2001:0:808:808::80ff:fffe",  # Teredo: a private client, 127.0.0.1
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    assert is_public(ip_address(address))
    assert is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_other_address_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not is_allowed(ip_address(address), ())


def test_networks_allow_their_addresses_only() -> None:
    networks = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "8.8.8.8"):
        assert is_allowed(ip_address(address), networks)
    for address in ("192.168.1.1", "127.0.0.1", "fc00::1", "64:ff9b::10.1.2.3", "::1"):
        assert not is_allowed(ip_address(address), networks)


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("8.8.8.8", ["8.8.8.8"]),
        ("[::1]", ["::1"]),
        ("127.0.0.1.", ["127.0.0.1"]),
        ("127.1", ["127.0.0.1"]),
        ("0x7f.1", ["127.0.0.1"]),
        ("0x7F000001", ["127.0.0.1"]),
        ("017700000001", ["127.0.0.1"]),
        ("2130706433", ["127.0.0.1"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("A.LocalHost.", ["127.0.0.1", "::1"]),
        ("example.com", []),
        ("localhost.example.com", []),
        ("127.0.0.1.example.com", []),
        ("1.2.3.4.5", []),
    ],
)
def test_literal_addresses_of_hosts(host: str, addresses: list[str]) -> None:
    assert [str(each) for each in literal_addresses(host)] == addresses

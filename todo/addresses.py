"""The IP addresses that the service may connect to on behalf of a user."""

from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from socket import inet_aton

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

_LAST_32_BITS = (
    ip_network("::/96"),  # IPv4-compatible (RFC 4291, section 2.5.5.1)
    ip_network("::ffff:0:0/96"),  # IPv4-mapped (RFC 4291, section 2.5.5.2)
    ip_network("::ffff:0:0:0/96"),  # IPv4-translated (RFC 2765, section 2.1)
    ip_network("64:ff9b::/96"),  # NAT64 (RFC 6052, section 2.1)
)
_GLOBAL_UNICAST = ip_network("2000::/3")  # all that is assigned (RFC 4291, section 2.4)
_DOCUMENTATION = ip_network("3fff::/20")  # RFC 9637; only newer versions of Python exclude it


def is_public(address: Address) -> bool:
    """Return whether the address is one of the public internet, in any of its forms.

    If an IPv6 address carries IPv4 addresses, these decide: Python calls some of them global that a
    gateway leads to the machine itself.
    """
    if isinstance(address, IPv6Address):
        if embedded := list(_embedded(address)):
            return all(map(is_public, embedded))
        if address not in _GLOBAL_UNICAST or address in _DOCUMENTATION:
            return False
    return address.is_global and not address.is_multicast


def is_allowed(address: Address, networks: Networks) -> bool:
    """Return whether the address is public, or in one of the networks.

    An IPv4-mapped address is in the networks of its IPv4 address: it is the same host.
    """
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return is_public(address) or any((mapped or address) in network for network in networks)


def literal_addresses(host: str) -> tuple[Address, ...]:
    """Return the addresses that the host of a URL means without a look-up; none for a name.

    The C library also reads 127.1, 0x7f.1 and 2130706433 as IPv4 addresses (inet_aton(3)), and
    localhost is the machine itself (RFC 6761, section 6.3).
    """
    name = host.lower().removeprefix("[").removesuffix("]").rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return IPv4Address("127.0.0.1"), IPv6Address("::1")
    try:
        return (ip_address(name),)
    except ValueError:
        pass
    try:
        return (IPv4Address(inet_aton(name)),)
    except OSError:
        return ()


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that the address carries."""
    if any(address in network for network in _LAST_32_BITS):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:  # RFC 3056
        yield address.sixtofour
    if address.teredo is not None:  # RFC 4380: a server, and a client behind its NAT
        yield from address.teredo

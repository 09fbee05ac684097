"""Which IP addresses the service may connect to on behalf of a user."""

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
# NAT64 of a network's own (RFC 8215): the position of the IPv4 address is unknown.
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
# Site-local (RFC 3879): no longer used, but not all versions of Python exclude it.
_SITE_LOCAL = ip_network("fec0::/10")


def is_public(address: Address) -> bool:
    """Return whether the address is one of the public internet, in any of its forms.

    An IPv6 address that carries an IPv4 address is public if both are: Python calls some of them
    global that a gateway leads to the machine itself.
    """
    if isinstance(address, IPv6Address):
        if address in _LOCAL_NAT64 or address in _SITE_LOCAL:
            return False
        embedded = list(_embedded(address))
        if embedded:
            return all(map(is_public, embedded))
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

"""Which addresses the gateway may dial: public unicast, and the networks that the operator allowed.

In charge of: telling whether an address is public, also one inside another (mapped, 6to4, NAT64). Pure. Not
in charge of: resolving names, opening connections (``net``, which asks for every address that it dials).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from gateway.errors import NotReady
from gateway.model.text import Bilingual

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA special-purpose registries, without what lies outside IPv6's global unicast 2000::/3 anyway.
_SPECIAL_TEXT = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15
198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
2001::/23 2001:db8::/32 2620:4f:8000::/48 3fff::/20
"""
_SPECIAL = tuple(ip_network(text) for text in _SPECIAL_TEXT.split())
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressGuard:
    """``allow_private``: networks besides the public ones, e.g. ``10.64.0.0/16, fd00:1::/64``."""

    def __init__(self, allow_private: str) -> None:
        self._allowed = _networks(allow_private)

    def permits(self, text: str) -> bool:
        """True when a connection to this address (as ``getaddrinfo`` wrote it) may be opened."""
        address = _innermost(ip_address(text))
        return _is_public(address) or any(address in network for network in self._allowed)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _SPECIAL)


def _innermost(address: Address) -> Address:
    """The IPv4 address that a mapped, 6to4 or NAT64 address leads to; any other address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or IPv6Address(int(address))  # drops a scope


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise NotReady(
            Bilingual(
                f"Cấu hình net.allow_private không hợp lệ: {error}",
                f"The setting net.allow_private is wrong: {error}",
            ),
            code="config.wrong",
        ) from error

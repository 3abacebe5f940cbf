"""Where a webhook may go: an HTTPS address on the public internet, and nowhere inside.

If an attacker controls the URL, or the name server of its host, they can have nothing delivered;
they cannot have us speak to ourselves, to a private network or to a cloud's own services.

Sources: RFC 6890 and the IANA special-purpose address registries; RFC 6052 and 8215 (NAT64).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_CHARS: Final = 2_000
HTTPS: Final = 443
# Below this stand services that were never meant for HTTP; receivers run at 443 or up here.
PORTS_FREE: Final = 1_024

# What `is_global` lets pass, or old Pythons do: addresses that carry another inside them, those
# that are no longer given out, and a cloud's own at a public address (Azure's 168.63.129.16). Of
# IPv6 only 2000::/3 is given out; what carries an IPv4 address (RFC 2765, 4291, 6052) lies beside it.
_NEVER: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "::/3",
        "4000::/2",
        "8000::/1",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)

# Names that a network gives its own machines (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal).
_INSIDE: Final = frozenset({"localhost", "local", "internal", "intranet", "lan", "home", "arpa"})
_OWN: Final = "To try one on your own machine, enter notices.webhook_networks in the settings."
_PARTS: Final = re.compile(r"[/?#]")
_NAME: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*"
)


class DestinationError(ValueError):
    """A URL that no webhook goes to; the text says what is wrong and what to give instead."""


class Destination(NamedTuple):
    """A URL that may be posted to, once its addresses have been looked at."""

    url: URL
    host: str
    port: int


def destination(url: str, allow: Sequence[Network] = ()) -> Destination:
    """Read a URL and check its form and, where it names one, its address; no name is looked up.

    `allow` are networks that count as public, in development and tests.
    Raises DestinationError.
    """
    if len(url) > URL_CHARS or not url.isprintable() or " " in url:
        raise DestinationError(f"A URL has at most {URL_CHARS} characters, and no spaces.")
    try:
        parsed = URL(url)
        port, host = parsed.port, parsed.raw_host
    except ValueError:
        raise DestinationError("This is not a URL. Give one as in https://example.com/x.") from None
    if parsed.scheme != "https" or not host or port is None:
        raise DestinationError("Only HTTPS is used. Give a URL that starts with https://.")
    # Looked for in the text itself: an empty user is one too.
    if "@" in _PARTS.split(url, maxsplit=3)[2]:
        raise DestinationError("A URL with a user or a password is not used. Leave them out.")
    if "#" in url:
        raise DestinationError("A URL with a fragment is not used. Leave out '#' and what follows.")
    if port != HTTPS and port < PORTS_FREE:
        raise DestinationError(f"The port is {HTTPS}, or {PORTS_FREE} or higher.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        _check_name(host.lower().removesuffix("."), inside=bool(allow))
    else:
        if not may_reach(address, allow):
            own = f" {_OWN}" if address.is_loopback or address.is_private else ""
            raise DestinationError(
                f"The address is not on the public internet. Give one that is.{own}"
            )
    return Destination(parsed, host, port)


def may_reach(address: Address, allow: Sequence[Network] = ()) -> bool:
    """Whether an address is a public one, of one machine, or in a network that is allowed."""
    if any(address in network for network in allow):
        return True
    return address.is_global and not any(address in network for network in _NEVER)


def _check_name(name: str, *, inside: bool) -> None:
    if inside and name == "localhost":
        return
    if not _NAME.fullmatch(name) or len(name) > 253 or name.rpartition(".")[2] in _INSIDE:
        own = f" {_OWN}" if name == "localhost" else ""
        raise DestinationError(
            f"The host is not a name on the public internet. Give one as in example.com.{own}"
        )

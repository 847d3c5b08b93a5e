"""`ssh://user@host:port`, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from bokehflow.errors import UsageError

FORM = "ssh://USER@HOST or ssh://USER@HOST:PORT"


@dataclass(frozen=True, slots=True)
class SshAddress:
    """user None and port None leave both to ssh and its configuration."""

    host: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        """As it was written."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ssh://{user}{host}" + (f":{self.port}" if self.port else "")


def parse_address(text: str) -> SshAddress:
    """Read an address. Raises UsageError for another scheme, a password, a path or no host."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"device {text!r} ({error})", FORM) from error
    more = (parts.path.strip("/"), parts.query, parts.fragment)
    nameless = not parts.hostname or parts.username == "" or port == 0
    if parts.scheme != "ssh" or parts.hostname is None or nameless or any(more):
        raise UsageError(f"device {text!r}", FORM)
    if parts.password is not None:
        raise UsageError(f"a password in {parts.scheme}://...", FORM, "use a key: --identity FILE")
    # ssh would take a name that begins with a dash for an option.
    if any(part.startswith("-") for part in (parts.hostname, parts.username or "")):
        raise UsageError(f"device {text!r}", FORM)
    # urlsplit writes names small, but for the zone of an address; ssh tells capitals apart.
    start = parts.netloc.lower().rindex(parts.hostname.lower())
    host = parts.netloc[start : start + len(parts.hostname)]
    return SshAddress(host, parts.username, port)

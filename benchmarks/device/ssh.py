"""A machine that the system's ssh reaches, with a key and without questions.

One connection carries everything: the runner and the artifact go in by standard input, the answer
comes out. When the connection ends the runner there ends and removes its folder.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bokehflow.benchmarks.device.address import SshAddress
from bokehflow.errors import BokehFlowError, DeviceError, MissingDependencyError, UsageError

SSH_FAILED = 255
NOT_FOUND = 127
CONNECT_S = 15
SILENCE_S, SILENCES = 10, 3
"""A connection that says nothing for this long, so often, is given up."""
_NOT_OUR_LANGUAGE = "SyntaxError"
"""What a Python that is too old even to say its version says of our first lines: Python 2 does."""
_REMEDIES = (
    ("permission denied", "give the right key with --identity FILE"),
    ("remote host identification has changed", "find out why the host's key changed"),
    ("host key verification failed", "connect once with ssh to see and accept the host's key"),
    ("could not resolve", "check the host's name"),
)
"""What ssh says, in lower case, and what helps; of two that it says at once the first counts."""


@dataclass(frozen=True, slots=True)
class SshHost:
    """identity: a private key file. config: for `ssh -F`. python: the one to run there; "~/" is
    the home of the user there.

    Raises UsageError for an identity or configuration that is no file.
    """

    address: SshAddress
    identity: Path | None = None
    config: Path | None = None
    python: str = "python3"

    def __post_init__(self) -> None:
        for name, path in (("identity", self.identity), ("ssh configuration", self.config)):
            if path is not None and not path.is_file():
                raise UsageError(f"{name} {path} is not a file", "a file")

    @property
    def name(self) -> str:
        """The address."""
        return str(self.address)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """ssh, set to fail instead of asking, and the command line for the shell there."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": CONNECT_S,
            "ServerAliveInterval": SILENCE_S,
            "ServerAliveCountMax": SILENCES,
        }
        command = ["ssh", "-T"]
        for key, value in options.items():
            command += ["-o", f"{key}={value}"]
        if self.config is not None:
            command += ["-F", str(self.config)]
        if self.identity is not None:
            command += ["-o", f"IdentityFile={_literal(self.identity)}", "-o", "IdentitiesOnly=yes"]
        if self.address.port is not None:
            command += ["-p", str(self.address.port)]
        if self.address.user is not None:
            command += ["-l", self.address.user]
        return [*command, "--", self.address.host, self._shell_line(arguments)]

    def _shell_line(self, arguments: Sequence[str]) -> str:
        # The shell there is to know its user's home, which quotation marks would hide.
        python = self.python.removeprefix("~/")
        home = "" if python == self.python else "~/"
        return home + shlex.join([python, *arguments])

    def failure(self, exit_code: int, said: str) -> BokehFlowError:
        """ssh itself failed, there is no such Python there, or the runner broke."""
        lines = [line for line in said.strip().splitlines() if line]
        last = lines[-1] if lines else "ssh said nothing"
        if exit_code == NOT_FOUND or last.startswith(_NOT_OUR_LANGUAGE):
            has = "has no" if exit_code == NOT_FOUND else "has an old"
            return DeviceError(
                f"{self.name} {has} {self.python!r}",
                "Python 3.9 or newer",
                "name another with --device-python PATH",
            )
        remedy = next((does for says, does in _REMEDIES if says in said.lower()), "")
        if exit_code == SSH_FAILED:
            remedy = remedy or "check that it is switched on and that ssh reaches it"
            return DeviceError(f"{self.name} cannot be reached: {last}", remedy=remedy)
        return DeviceError(f"the benchmark on {self.name} ended with code {exit_code}: {last}")

    def missing(self, packages: Sequence[str]) -> MissingDependencyError:
        """By themselves: BokehFlow need not be there."""
        alone: dict[str, str | None] = dict.fromkeys(packages)
        return MissingDependencyError.of_several(alone, f"benchmarking on {self.name}")


def _literal(path: Path) -> str:
    """A path as a value of ssh's options, which else ends at a space and has a host's or a user's
    name behind each percent sign."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'

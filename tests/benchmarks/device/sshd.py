"""A real OpenSSH server on loopback, as the current user, with keys that live as long as it."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.latency.watching import until

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
ODD_NAME = '50%h off, "mine"'
"""A key may be called anything; of these characters ssh's options make something else."""
PRIVILEGE_SEPARATION = Path("/run/sshd")
"""Where a server that runs as root wants an empty folder."""


@dataclass(frozen=True)
class Server:
    """A server. address: ssh://...; identity: a key it accepts; config: for `ssh -F`."""

    address: str
    identity: Path
    config: Path

    def options(self) -> list[object]:
        """The options of `bfx benchmark` that reach it."""
        return ["--device", self.address, "--identity", self.identity, "--ssh-config", self.config]


def make_key(path: Path) -> Path:
    """A key pair without a passphrase; returns the private one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@contextlib.contextmanager
def running_server(
    folder: Path, environment: Mapping[str, str], file_blocks: int | None = None
) -> Iterator[Server]:
    """Start a server in `folder`; its sessions see `environment`.

    file_blocks: files that its sessions write may be this large, in kilobytes; None: any size.
    """
    folder.mkdir()
    host_key, accepted = make_key(folder / "host"), make_key(folder / "user")
    identity = accepted.rename(folder / ODD_NAME)
    port = _free_port()
    config = folder / "sshd_config"
    accepted_keys = accepted.with_suffix(".pub")
    config.write_text(_server_config(port, host_key, accepted_keys, environment))
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    limit = "" if file_blocks is None else f"ulimit -f {file_blocks}; "
    command = ["bash", "-c", f'{limit}exec "$@"', "bash", str(SSHD), "-D", "-e", "-f", str(config)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
        try:
            until(lambda: _listens(port))
            yield Server(
                f"ssh://{getpass.getuser()}@127.0.0.1:{port}",
                identity,
                _client_config(folder, port, host_key),
            )
        finally:
            process.terminate()
            process.wait()


def _server_config(
    port: int, host_key: Path, accepted_keys: Path, environment: Mapping[str, str]
) -> str:
    variables = " ".join(f'"{name}={value}"' for name, value in environment.items())
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {host_key}",
        f"AuthorizedKeysFile {accepted_keys}",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        f"SetEnv {variables}",
    ]
    return "\n".join(lines) + "\n"


def _client_config(folder: Path, port: int, host_key: Path) -> Path:
    """A client's configuration that knows this server's key and nothing of the user's own."""
    known, config = folder / "known_hosts", folder / "ssh_config"
    public = host_key.with_suffix(".pub").read_text()
    known.write_text(f"[127.0.0.1]:{port} {public}")
    config.write_text(f"UserKnownHostsFile {known}\nGlobalKnownHostsFile none\n")
    return config


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

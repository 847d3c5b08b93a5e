"""`ssh://user@host:port` is read, and nothing else is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bokehflow.benchmarks.device import SshAddress, SshHost, parse_address
from bokehflow.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://pi@phone.local", SshAddress("phone.local", "pi")),
        ("ssh://phone", SshAddress("phone")),
        ("ssh://Me@MyBoard:22", SshAddress("MyBoard", "Me", 22)),
        ("ssh://pi@10.0.0.2:2222", SshAddress("10.0.0.2", "pi", 2222)),
        ("ssh://pi@[::1]:22", SshAddress("::1", "pi", 22)),
        ("ssh://pi@[fe80::1%enP8p1s0]", SshAddress("fe80::1%enP8p1s0", "pi")),
    ],
)
def test_an_address_is_read_and_written(text: str, address: SshAddress) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "phone", "pi@phone", "http://phone", "ssh://", "ssh://phone/there", "ssh://phone:port",
     "ssh://phone:0", "ssh://@phone",
     "ssh://phone:99999", "ssh://pi:secret@phone", "ssh://-oProxyCommand=date", "ssh://-l@phone"],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_address(text)
    assert "secret" not in str(refused.value)


def test_the_shell_there_sees_one_word_an_argument() -> None:
    command = SshHost(SshAddress("phone", "pi", 2222), python="/my venv/python").command(
        ["-c", "a;b"]
    )
    assert command[0] == "ssh"
    assert command[-3:] == ["--", "phone", "'/my venv/python' -c 'a;b'"]
    assert "BatchMode=yes" in command


def test_the_home_of_the_user_there_is_known_to_the_shell_there(tmp_path: Path) -> None:
    (tmp_path / "my venv").mkdir()
    (tmp_path / "my venv" / "python").symlink_to("/bin/echo")
    line = SshHost(SshAddress("phone"), python="~/my venv/python").command(["a;b"])[-1]
    shell = subprocess.run(
        ["sh", "-c", line], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert shell.stdout == "a;b\n"


@pytest.mark.parametrize(
    ("exit_code", "said", "told"),
    [
        (255, "ssh: connect to host phone port 22: Connection timed out", "switched on"),
        (255, "client_loop: send disconnect: Broken pipe", "cannot be reached"),
        (255, "", "ssh said nothing"),
        (127, "sh: 1: python3: not found", "--device-python"),
        (1, "Traceback\nMemoryError", "ended with code 1: MemoryError"),
        (1, 'File "<string>", line 22\nSyntaxError: invalid syntax\n', "has an old 'python3'"),
    ],
)
def test_a_failed_connection_says_why_and_what_to_do(exit_code: int, said: str, told: str) -> None:
    assert told in str(SshHost(SshAddress("phone")).failure(exit_code, said))


CHANGED_KEY = """@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Offending ED25519 key in /home/me/.ssh/known_hosts:3
Host key for board has changed and you have requested strict checking.
Host key verification failed.
"""
"""What OpenSSH 9 says."""


@pytest.mark.parametrize(
    ("said", "remedy"),
    [(CHANGED_KEY, "find out why"), ("Host key verification failed.\n", "connect once with ssh")],
    ids=["changed", "unknown"],
)
def test_a_changed_key_is_not_to_be_accepted(said: str, remedy: str) -> None:
    failed = SshHost(SshAddress("board")).failure(255, said)
    assert remedy in str(failed)

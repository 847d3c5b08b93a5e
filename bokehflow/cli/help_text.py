"""What every command's `--help` ends with, and the flags that every command takes."""

from __future__ import annotations

JSON_FLAG, TRACEBACK_FLAG = "--json", "--traceback"
EVERY_COMMAND = "Every command also takes --json (one JSON document on stdout) and --traceback."


def example(*commands: str) -> str:
    """The epilog of a command's `--help`: examples, then the options that every command has."""
    # \b on a line of its own keeps the help formatter from wrapping what follows.
    lines = "\n".join(f"  {command}" for command in commands)
    return f"Example:\n\n\b\n{lines}\n\n{EVERY_COMMAND}"

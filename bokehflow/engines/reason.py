"""What a library says of its refusal, as a part of our own sentence."""

from __future__ import annotations

LONGEST = 300


def reason_of_openvino(error: Exception) -> str:
    """The last line of its message: those before it tell the place in OpenVINO's source."""
    return str(error).strip().rpartition("\n")[2]


def reason_of(error: Exception) -> str:
    """Its message in one line and not without end; the error's kind where it has none."""
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__

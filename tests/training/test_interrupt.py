"""Signals while a run is at work."""

import os
import signal
import time

import pytest

from bokehflow.training import interrupt
from bokehflow.training.interrupt import noted_interruption


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.001)  # Python runs handlers between its own instructions.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_the_old_handlers_come_back(number: signal.Signals) -> None:
    # Whoever runs the tests may have had it ignored, as `nohup` does.
    ours = signal.default_int_handler
    before = signal.signal(number, ours)
    with noted_interruption() as noted:
        assert noted.signal_number == 0
        send(number)
        send(signal.SIGINT)
        assert noted.signal_number == number
    assert signal.signal(number, before) is ours


def test_who_asks_again_later_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "SAME_WISH_S", 0.0)
    with noted_interruption():
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_a_terminal_may_close_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with noted_interruption() as noted:
            send(signal.SIGHUP)
            assert noted.signal_number == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)

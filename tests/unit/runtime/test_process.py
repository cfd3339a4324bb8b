"""What the process writes to its log."""

from __future__ import annotations

import logging

import pytest

from bot.runtime.process import hide_in_logs

log = logging.getLogger(__name__)


def test_hidden_values_are_in_no_message_and_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    undo = hide_in_logs(lambda text: text.replace("sesame", "hidden"))
    try:
        log.warning("refused %r", "sesame")
        try:
            int("sesame")
        except ValueError:
            log.exception("it failed")
    finally:
        undo()
    log.warning("sesame")

    hidden, shown = caplog.text.split("WARNING")[1:]
    assert "sesame" not in hidden
    assert "with base 10: 'hidden'" in hidden
    assert "sesame" in shown

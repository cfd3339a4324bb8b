"""What the process keeps in memory, and what it writes to its log."""

from __future__ import annotations

import gc
import logging

import pytest

from bot.runtime.process import hide_in_logs, keep_for_good

log = logging.getLogger(__name__)


def test_the_garbage_collector_passes_over_what_was_loaded_at_the_start() -> None:
    try:
        keep_for_good()
        looked_at = gc.get_objects()
        assert not any(each is logging.__dict__ for each in looked_at)
        assert gc.get_freeze_count() > len(looked_at)
    finally:
        gc.unfreeze()


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

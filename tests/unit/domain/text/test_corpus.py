"""Masking on 150 realistic secrets, and on 150 look-alikes that must stay readable."""

from __future__ import annotations

import time

import pytest

from bot.domain.text.redaction import masked
from tests.unit.domain.text.corpus import look_alikes, secrets

COUNT = 150
SEEDS = range(1, 6)


def _leaks(line: str, secret: str) -> bool:
    """Whether the masked line has the secret, or its beginning or end."""
    part = max(4, len(secret) // 3)
    said = masked(line)
    rest = secret.removeprefix("https://hooks.slack.com/").removeprefix("https://")
    return rest[-part:] in said


def test_the_figures_of_the_corpus(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = [not _leaks(line, secret) for line, secret in secrets()]
    readable = [masked(line) == line for line in look_alikes()]

    with capsys.disabled():
        print(  # noqa: T201 (the figures are to be seen)
            f"\nmasked {sum(hidden)} of {len(hidden)} secrets, "
            f"left {sum(readable)} of {len(readable)} look-alikes readable"
        )
    assert (len(hidden), len(readable)) == (COUNT, COUNT)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_secret_of_the_corpus_is_shown(seed: int) -> None:
    assert [line for line, secret in secrets(seed) if _leaks(line, secret)] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_look_alikes_stay_readable(seed: int) -> None:
    assert [(line, masked(line)) for line in look_alikes(seed) if masked(line) != line] == []


LINES = (
    "x", "password ", "password=a ", "password:", "pass", "curl ", "://", "://a:", "-p", "?", '"',
    'password="', "xoxb-", "\\", 'password:\\"', "eyJ", "bearer ", "--password ", "sk-a",
    "https://hooks.slack.com/services/", "discord.com/api/webhooks/x", "auth default ",
    "password is ", "$1$a", "$2y$05$", "pbkdf2", "pbkdf2$a$", "{SHA}", '"--password","',
    "-----END PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n", "key: c; /x/y?z=1&q=2 ",
)  # fmt: skip


def _seconds(text: str) -> float:
    began = time.thread_time()
    masked(text)
    return time.thread_time() - began


def test_a_long_line_is_masked_in_linear_time() -> None:
    """Four times the length takes about four times as long, even for lines made for the rules."""
    masked("")
    for part in LINES:
        short, long = (f"{part * (size // len(part))}@" for size in (12_500, 50_000))
        least = min(_seconds(short) for _ in range(3))

        assert min(_seconds(long) for _ in range(2)) < 10 * least + 0.05, part


def test_an_ordinary_long_line_costs_milliseconds() -> None:
    line = '{"level":"info","msg":"GET /api/v1/items?page=2","took":0.031,"host":"worker01"} ' * 625

    assert len(line) > 50_000
    assert min(_seconds(line) for _ in range(3)) < 0.2

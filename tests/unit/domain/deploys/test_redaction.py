"""What is hidden in a plan, and that hidden values reveal only whether they changed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.deploys.redaction import Redactor

REDACTOR = Redactor(b"a key")

HIDDEN = [
    ("DB_PASSWORD", "x"),
    ("MYSQL_PWD", "x"),
    ("API_TOKEN", "x"),
    ("DJANGO_SECRET_KEY", "x"),
    ("ssh-key", "x"),
    ("SENTRY_DSN", "x"),
    ("BASIC_AUTH", "x"),
    ("DATABASE_URL", "postgres://orochi:sesame@db:5432/orochi"),
    ("REDIS_URL", "redis://:sesame@redis:6379/0"),
    ("HEADERS", "Authorization: Bearer abc.def"),
    ("OPTIONS", "--user=a password=sesame"),
    ("ANY", "xoxb-123456789012-abcdef"),
    ("ANY", "q8Zr2LmX0vB7nKp4TyWc9DsA"),
]

SHOWN = [
    ("LEVEL", "info"),
    ("REDIS_URL", "redis://redis:6379/0"),
    ("IMAGE", "docker.elastic.co/elasticsearch/elasticsearch:7.11.0"),
    ("HOSTS", "photon-machine-01,photon-machine-02"),
    ("PATH", "/opt/conda/lib/python3.8/site-packages/volatility3/symbols"),
    ("EMPTY", ""),
]


@pytest.mark.parametrize(("name", "value"), HIDDEN)
def test_values_that_look_secret_are_hidden(name: str, value: str) -> None:
    shown = REDACTOR.shown(name, value)

    assert shown.startswith("hidden (")
    assert value not in shown


@pytest.mark.parametrize(("name", "value"), SHOWN)
def test_other_values_are_shown(name: str, value: str) -> None:
    assert REDACTOR.shown(name, value) == value


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (["serve", "--password", "sesame"], "sesame"),
        (["serve", "--token=sesame"], "sesame"),
        (["sh", "-c", "DB_PASSWORD=sesame exec serve"], "sesame"),
        (["redis-server", "--requirepass", "sesame"], "sesame"),
    ],
)
def test_values_after_a_secret_option_of_a_command_are_hidden(
    words: list[str], secret: str
) -> None:
    shown = REDACTOR.words(words)

    assert shown.startswith(words[0])
    assert secret not in shown


def test_a_command_without_secrets_is_shown_unchanged() -> None:
    words = ["dask-worker", "scheduler:8786", "--nthreads", "2"]

    assert REDACTOR.words(words) == "dask-worker scheduler:8786 --nthreads 2"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_change_of_a_hidden_value_is_visible(one: str, other: str) -> None:
    assume(one != other)

    assert REDACTOR.hidden(one) == REDACTOR.hidden(one)
    assert REDACTOR.hidden(one) != REDACTOR.hidden(other)


@given(st.text(min_size=1))
def test_hidden_values_cannot_be_guessed_without_the_key(value: str) -> None:
    assert REDACTOR.hidden(value) != Redactor(b"another key").hidden(value)


def test_both_values_of_a_field_are_hidden_if_one_is() -> None:
    """After a rotation, the present value is the former password."""
    for old, new in (("one", "two"), ("", "two"), ("one", "")):
        shown = REDACTOR.both("API_TOKEN", old, new)
        assert shown == (REDACTOR.hidden(old), REDACTOR.hidden(new))
    url = "postgres://orochi:sesame@db:5432/orochi"
    assert REDACTOR.both("o", "plain", url) == (REDACTOR.hidden("plain"), REDACTOR.hidden(url))
    assert REDACTOR.both("mtu", "1450", "1400") == ("1450", "1400")

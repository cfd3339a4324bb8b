"""The label of a readiness probe: valid values, and the error for invalid ones."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.convergence.probe_spec import (
    LABEL,
    LONGEST,
    InvalidProbeSpec,
    ProbeKind,
    ProbeSpec,
    probe_of,
    read,
)
from tests.unit.looks import a_service

DASK, HTTP = ProbeKind.DASK, ProbeKind.HTTP


@pytest.mark.parametrize(
    ("text", "probe"),
    [
        ("dask://scheduler:8787", ProbeSpec(DASK, "scheduler", 8787)),
        ("dask://orochi_scheduler:8787/", ProbeSpec(DASK, "orochi_scheduler", 8787)),
        ("DASK://Scheduler:8787", ProbeSpec(DASK, "scheduler", 8787)),
        ("dask://10.0.1.7:8787", ProbeSpec(DASK, "10.0.1.7", 8787)),
        ("dask://[fd00::7]:8787", ProbeSpec(DASK, "fd00::7", 8787)),
        ("http://django:8000/healthz", ProbeSpec(HTTP, "django", 8000, "/healthz")),
        ("http://django", ProbeSpec(HTTP, "django", 80)),
        ("http://a.b-c:81/x%20y?deep=1&z", ProbeSpec(HTTP, "a.b-c", 81, "/x%20y?deep=1&z")),
    ],
)
def test_a_valid_label_is_parsed(text: str, probe: ProbeSpec):
    assert read(text) == probe


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("scheduler:8787", "use dask://HOST:PORT or http://HOST:PORT/PATH"),
        ("dask:scheduler:8787", "use dask://HOST:PORT"),
        ("https://django/healthz", "use dask://HOST:PORT"),
        ("tcp://scheduler:8786", "use dask://HOST:PORT"),
        ("yes", "use dask://HOST:PORT"),
        ("dask://scheduler", "has no port; a Dask scheduler's HTTP port is 8787 by default"),
        ("dask://:8787", "has no host"),
        ("http:///healthz", "has no host"),
        ("dask://scheduler:87870", "its host or port is not valid"),
        ("dask://scheduler:http", "its host or port is not valid"),
        ("http://[fd00::zz]:80/", "its host or port is not valid"),
        ("http://django:0/", "port 0 is not valid"),
        ("dask://scheduler:8787/status", "takes no path"),
        ("dask://scheduler:8787?x", "takes no path"),
        ("http://me:secret@django/", "must have no user name or password"),
        ("http://django/a b", "characters that a URL cannot have"),
        ("http://django/a#b", "characters that a URL cannot have"),
        ("http://django/ä", "characters that a URL cannot have"),
        ("http://dj%61ngo/", "has no host"),
        ("http://dj ango/", "has no host"),
        (f"http://django/{'x' * LONGEST}", f"longer than {LONGEST} characters"),
    ],
)
def test_an_invalid_label_gives_a_sentence(text: str, why: str):
    found = read(text)

    assert isinstance(found, InvalidProbeSpec)
    assert why in found.why
    assert len(found.sentence) < 300


@pytest.mark.parametrize(
    "text",
    [
        "http://me:s3same@django/",
        "http://s3same@django/",
        "dask://me:a@s3same@scheduler:8787",
        "me:s3same@django",
        "http://me:s3same@[django/",
        "https://django/?token=s3same",
    ],
)
def test_the_sentence_does_not_repeat_a_login(text: str):
    found = read(text)

    assert isinstance(found, InvalidProbeSpec)
    assert "s3same" not in found.sentence
    assert "•••" in found.sentence


def test_a_token_in_the_query_is_not_shown():
    found = read("http://django/healthz?token=s3same")

    assert isinstance(found, ProbeSpec)
    assert found.path == "/healthz?token=s3same"
    assert found.shown == "http://django:80/healthz?token=•••"


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_label_means_no_probe(text: str):
    assert probe_of(a_service(1, labels={LABEL: text})) is None
    assert probe_of(a_service(1)) is None


def test_white_space_around_a_label_is_ignored():
    assert probe_of(a_service(1, labels={LABEL: " http://a:1/ "})) == ProbeSpec(HTTP, "a", 1)


@given(st.one_of(st.text(max_size=60), st.from_regex(r"(dask|http)://\S{0,30}(:[0-9]{0,6})?/?.*")))
def test_any_text_is_a_usable_probe_or_a_sentence(text: str):
    found = read(text.strip())

    if isinstance(found, ProbeSpec):
        assert read(found.url) == found
        parts = urlsplit(f"http://{found.address}{found.path}")
        assert (parts.hostname, parts.port or 80) == (found.host, found.port)
        assert found.url.isascii()
        assert found.url.isprintable()
    else:
        assert found.why

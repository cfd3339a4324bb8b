"""What the engine's answers about a registry mean."""

from __future__ import annotations

import json

import pytest
from requests import HTTPError, Response

from bot.swarm.failures import translate
from bot.swarm.registry import _platform, translated

REFUSED = 'Get "http://reg:5000/v2/": dial tcp 10.0.0.1:5000: connect: connection refused'


@pytest.mark.parametrize(
    ("status", "said", "kind", "sentence"),
    [
        (404, "manifest unknown: manifest unknown", "image_missing", "has no image `reg:5000/a:1`"),
        (401, "unauthorized: authentication required", "pull_denied", "refuses access"),
        (
            403,
            "denied: requested access to the resource is denied",
            "pull_denied",
            "refuses access",
        ),
        (403, "Forbidden by a socket proxy", "pull_failed", "does not allow this call"),
        (500, "toomanyrequests: You have reached your limit", "pull_failed", "rate limit"),
        (500, REFUSED, "pull_failed", "The engine cannot reach the registry reg:5000."),
        (500, "error unmarshalling content: invalid character", "pull_failed", "cannot be asked"),
    ],
)
def test_an_answer_is_told_in_words(status: int, said: str, kind: str, sentence: str):
    response = Response()
    response.status_code, response._content = status, json.dumps({"message": said}).encode()
    cause = HTTPError(response=response)
    error = translate(cause, "unix:///docker.sock", 30.0)
    error.__cause__ = cause

    found = translated(error, "reg:5000/a:1", None)

    assert found.kind == kind
    assert sentence in found.sentence


def test_a_platform_of_arm_has_no_architecture():
    """As the docker CLI writes it: the nodes name their variant, the image does not."""
    assert _platform({"architecture": "ARM", "os": "linux"}).arch == ""
    assert _platform({"architecture": "arm64", "os": "linux"}).arch == "arm64"

"""What the engine's answers about a registry mean."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from requests import HTTPError, Response

from bot.domain.errors import RegistryError, SwarmError
from bot.swarm.failures import translate
from bot.swarm.registry import DockerRegistry, _platform, translated

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
        (500, REFUSED, "pull_failed", "The bot's engine cannot reach the registry reg:5000."),
        (500, "error unmarshalling content: invalid character", "pull_failed", "cannot be asked"),
    ],
)
def test_an_answer_is_told_in_words(status: int, said: str, kind: str, sentence: str):
    found = translated(engine_error(status, said), "reg:5000/a:1", None)

    assert found.kind == kind
    assert sentence in found.sentence


def test_a_platform_of_arm_has_no_architecture():
    """As the docker CLI writes it: the nodes name their variant, the image does not."""
    assert _platform({"architecture": "ARM", "os": "linux"}).arch == ""
    assert _platform({"architecture": "arm64", "os": "linux"}).arch == "arm64"


class Engine:
    """A connection whose engine answers about images, and counts the requests."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def get(self, path: str, _headers: object = None) -> Any:
        self.asked.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def engine_error(status: int, said: str) -> SwarmError:
    response = Response()
    response.status_code, response._content = status, json.dumps({"message": said}).encode()
    cause = HTTPError(response=response)
    error = translate(cause, "unix:///docker.sock", 30.0)
    error.__cause__ = cause
    return error


FOUND = {
    "Descriptor": {"digest": "sha256:1"},
    "Platforms": [{"architecture": "amd64", "os": "linux"}],
}


async def test_lists_are_told_what_was_found_a_moment_ago(
    monkeypatch: pytest.MonkeyPatch,
):
    engine = Engine(FOUND)
    registry, now = DockerRegistry(cast("Any", engine)), [1000.0]
    monkeypatch.setattr("bot.swarm.registry.time.monotonic", lambda: now[0])
    found = [await registry.recent("reg:5000/a:1") for _ in range(3)]
    assert len(engine.asked) == 1
    await registry.look_up("reg:5000/a:1")
    assert len(engine.asked) == 2
    now[0] += 6
    assert await registry.recent("reg:5000/a:1") == found[0]
    assert len(engine.asked) == 3


async def test_a_registry_that_wants_fewer_requests_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """Others are still asked, and so is it for an update."""
    engine = Engine(engine_error(500, "toomanyrequests: You have reached your pull rate limit"))
    registry, now = DockerRegistry(cast("Any", engine)), [1000.0]
    monkeypatch.setattr("bot.swarm.registry.time.monotonic", lambda: now[0])
    for name in ("a", "b", "c"):
        with pytest.raises(RegistryError, match="rate limit"):
            await registry.recent(name)
    assert len(engine.asked) == 1
    with pytest.raises(RegistryError, match="rate limit"):
        await registry.recent("other:5000/a")
    with pytest.raises(RegistryError, match="rate limit"):
        await registry.look_up("a")
    assert len(engine.asked) == 3
    now[0] += 61
    engine.answer = FOUND
    assert (await registry.recent("b")).digest == "sha256:1"

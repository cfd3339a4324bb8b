"""Every failure of the client or the engine becomes one of our errors, with a next step."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from docker.errors import DockerException
from requests import Response
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import HTTPError, ReadTimeout
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from bot.domain.errors import (
    NotAManagerError,
    NotFoundError,
    OutOfSequenceError,
    SwarmError,
    SwarmUnavailableError,
)
from bot.swarm import failures
from bot.swarm.connection import Connection
from bot.swarm.failures import API_PATHS, translate

HOST = "unix:///var/run/docker.sock"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[str]]


def _answer(status: int, body: str) -> HTTPError:
    response = Response()
    response.status_code = status
    response._content = body.encode()
    return HTTPError(response=response)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (500, "rpc error: code = Unknown desc = update out of sequence", OutOfSequenceError),
        (404, "service nope not found", NotFoundError),
        (503, "This node is not a swarm manager. Worker nodes can't …", NotAManagerError),
        (500, "The swarm does not have a leader. It's possible …", SwarmUnavailableError),
        (500, "rpc error: code = DeadlineExceeded desc = context …", SwarmUnavailableError),
        (500, "rpc error: code = Unknown desc = raft: proposal dropped", SwarmUnavailableError),
        (403, "Forbidden by administrative rules", SwarmError),
        (400, "name must be valid", SwarmError),
    ],
)
def test_errors_of_the_engine(status: int, message: str, kind: type[SwarmError]) -> None:
    error = translate(_answer(status, f'{{"message": "{message}"}}'), HOST, 30)

    assert type(error) is kind
    assert error.sentence.endswith((".", "…"))


def test_a_blocked_call_names_every_path_that_the_bot_calls() -> None:
    """Strings in the code that begin with a slash are paths of the API, or of files."""
    folder = Path(failures.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    found = set(re.findall(r"""["^](/[a-z_]+)(?=[/"?])""", code))
    called = found - {"/var", "/run", "/tmp", "/proc"}

    assert called == set(API_PATHS)
    hint = translate(_answer(403, '{"message": "Forbidden"}'), HOST, 30).hint
    assert all(path in hint for path in API_PATHS)
    docs = Path("docs/troubleshooting.md").read_text(encoding="utf-8")
    assert all(f"`{path}`" in docs for path in API_PATHS)


@pytest.mark.parametrize("body", ["", "not json", "[]", '{"error": 1}', "x" * 9999])
def test_an_answer_without_a_message(body: str) -> None:
    error = translate(_answer(500, body), HOST, 30)

    assert type(error) is SwarmError
    assert len(error.sentence) < 500


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (FileNotFoundError(2, "No such file"), "no such socket"),
        (PermissionError(13, "Permission denied"), "may not open the socket"),
        (ConnectionRefusedError(111, "refused"), "refuses connections"),
        (ConnectionResetError(104, "reset"), "closed the connection"),
        (BrokenPipeError(32, "broken"), "closed the connection"),
    ],
)
def test_errors_of_the_operating_system(cause: OSError, words: str) -> None:
    wrapped = RequestsConnectionError(ProtocolError("Connection aborted.", cause))

    for error in (wrapped, cause):
        found = translate(error, HOST, 30)
        assert type(found) is SwarmUnavailableError
        assert words in found.sentence
        assert HOST in found.sentence
        assert found.hint


def test_a_refused_user_is_named() -> None:
    error = translate(PermissionError(13, "Permission denied"), HOST, 30)

    assert f"user {os.getuid()} (groups " in error.sentence
    assert "group" in error.hint


@pytest.mark.parametrize("error", [ReadTimeout(), TimeoutError(), ReadTimeoutError(None, "/", "x")])  # type: ignore[arg-type]
def test_a_timeout_says_how_long(error: Exception) -> None:
    found = translate(error, HOST, 30)

    assert type(found) is SwarmUnavailableError
    assert "within 30 s" in found.sentence


def test_errors_of_the_sdk() -> None:
    error = translate(DockerException("Install paramiko"), "ssh://x", 30)

    assert type(error) is SwarmError
    assert "Install paramiko" in error.sentence


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Serves an engine of the test on a unix socket; yields its address."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        runner = await _runner(handler)
        runners.append(runner)
        path = tmp_path / f"{len(runners)}.sock"
        await web.UnixSite(runner, str(path)).start()
        return f"unix://{path}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def _runner(handler: Handler) -> web.AppRunner:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    return runner


def _pong(version: str) -> web.Response:
    return web.Response(text="OK", headers={"Api-Version": version})


@pytest.mark.parametrize(("offered", "spoken"), [("1.41", "v1.41"), ("9.99", "v9.99")])
async def test_the_engines_newest_api_version_is_used(
    serve: Serve, offered: str, spoken: str
) -> None:
    async def engine(request: web.Request) -> web.Response:
        if request.path == "/_ping":
            return _pong(offered)
        return web.json_response({"path": request.path})

    connection = Connection(await serve(engine))

    assert await connection.get("/info") == {"path": f"/{spoken}/info"}
    connection.close()


async def test_a_replaced_engine_negotiates_again(serve: Serve) -> None:
    offered = ["1.41", "1.48"]

    async def engine(request: web.Request) -> web.Response:
        if request.path == "/_ping":
            return _pong(offered.pop(0))
        if request.path.startswith("/v1.41"):
            said = "client version 1.41 is too old. Minimum supported API version is 1.44, …"
            return web.json_response({"message": said}, status=400)
        return web.json_response({"path": request.path})

    connection = Connection(await serve(engine))

    assert await connection.get("/info") == {"path": "/v1.48/info"}
    connection.close()


async def test_an_object_is_not_written_in_another_version_than_it_was_read_in(
    serve: Serve,
) -> None:
    """The engine was replaced between the two: the new one would drop newer fields in silence."""
    offered, written = ["1.52", "1.54"], []

    async def engine(request: web.Request) -> web.Response:
        if request.path == "/_ping":
            return _pong(offered.pop(0))
        if request.method == "GET":
            return web.json_response({"path": request.path})
        if request.path.startswith("/v1.52"):
            said = "client version 1.52 is too old. Minimum supported API version is 1.54, …"
            return web.json_response({"message": said}, status=400)
        written.append(request.path)
        return web.json_response({})

    connection = Connection(await serve(engine))
    await connection.get("/services/a")
    with pytest.raises(SwarmUnavailableError, match="other API versions"):
        await connection.post("/services/a/update", {}, {})

    assert written == []
    assert await connection.get("/services/a") == {"path": "/v1.54/services/a"}
    connection.close()


async def test_a_restarted_engine_is_asked_for_its_version(serve: Serve) -> None:
    """It still serves the old version, in which newer fields cannot be read or written."""
    offered, cut = ["1.41", "1.52"], [False, True, False]

    async def engine(request: web.Request) -> web.Response:
        if request.path == "/_ping":
            return _pong(offered.pop(0))
        if cut.pop(0) and request.transport is not None:
            request.transport.abort()
        return web.json_response({"path": request.path})

    connection = Connection(await serve(engine))

    assert await connection.get("/info") == {"path": "/v1.41/info"}
    assert await connection.get("/info") == {"path": "/v1.52/info"}
    connection.close()


async def test_only_reads_are_repeated_after_a_broken_connection(serve: Serve) -> None:
    seen: list[str] = []

    async def engine(request: web.Request) -> web.Response:
        if request.path == "/_ping":
            return _pong("1.41")
        seen.append(request.method)
        if seen.count(request.method) == 1 and request.transport is not None:
            request.transport.abort()
        return web.json_response({})

    connection = Connection(await serve(engine))

    assert await connection.get("/info") == {}
    with pytest.raises(SwarmUnavailableError, match="closed the connection"):
        await connection.post("/services/x/update", {"version": 1}, {})
    assert seen == ["GET", "GET", "POST"]
    connection.close()


async def test_an_answer_that_is_not_json(serve: Serve) -> None:
    async def engine(request: web.Request) -> web.Response:
        return _pong("1.41")

    connection = Connection(await serve(engine))

    with pytest.raises(SwarmError):
        await connection.get("/info")
    connection.close()


def _openssl(folder: Path, *args: str) -> None:
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


def _certificates(folder: Path) -> None:
    """A certificate for both sides that is its own authority."""
    _openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem",
    )  # fmt: skip
    (folder / "ca.pem").write_bytes((folder / "cert.pem").read_bytes())


async def test_dockers_own_variables_enable_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def engine(request: web.Request) -> web.Response:
        return _pong("1.41") if request.path == "/_ping" else web.json_response({"secure": True})

    _certificates(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    runner = await _runner(engine)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{runner.addresses[0][1]}")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    connection = Connection()

    assert await connection.get("/info") == {"secure": True}
    connection.close()
    await runner.cleanup()


async def test_tcp_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    async def engine(request: web.Request) -> web.Response:
        return _pong("1.41") if request.path == "/_ping" else web.json_response([])

    runner = await _runner(engine)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    connection = Connection(f"tcp://127.0.0.1:{runner.addresses[0][1]}")

    assert await connection.list("/nodes") == []
    connection.close()
    await runner.cleanup()

"""A real registry on the lab's bridge: Debian's `docker-registry`, over plain HTTP.

A small relay stands before it, so that a test can take the registry away, have it refuse every
request as one with a rate limit does, or hang.
"""

from __future__ import annotations

import json
import socket
import tarfile
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import closing, suppress
from pathlib import Path
from subprocess import DEVNULL, Popen
from types import TracebackType
from typing import Final

from docker import APIClient

from tests.lab.images import load
from tests.lab.shell import tool
from tests.lab.swarm import Lab
from tests.lab.waiting import LabError, wait_until

LOGIN: Final = ("robot", "lab-password")
NEXT_PASSWORD: Final = "next-lab-password"
_SALT: Final = "robot:$2b$04$7Wb0kbTZmqRBTQ88QdnLu."
_PASSWORD_FILE: Final = f"{_SALT}JoEZXvgMXDdfC36g8FJmRKgP24h292e\n"
_NEXT_PASSWORD_FILE: Final = f"{_SALT}rMPCaGTPsi4FBpsB7PwZovniTyz16Hm\n"
_CONFIG: Final = """
version: 0.1
storage: {filesystem: {rootdirectory: %(data)s}, delete: {enabled: true}}
http: {addr: "127.0.0.1:%(port)d", secret: lab}
log: {level: error, accesslog: {disabled: true}}
"""
_AUTH: Final = "auth: {htpasswd: {realm: lab, path: %(htpasswd)s}}\n"
_CHUNK: Final = 65536
_MANIFESTS: Final = "application/vnd.docker.distribution.manifest.v2+json"

TOO_MANY: Final = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    b'{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'
)
NONSENSE: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\n"
    b"<html></html>"
)
FAILS: Final = (
    b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


def config_of(address: str, password: str = LOGIN[1]) -> str:
    """Docker's `config.json` with a login of a registry."""
    basic = b64encode(f"{LOGIN[0]}:{password}".encode()).decode()
    return json.dumps({"auths": {address: {"auth": basic}}})


class RegistryServer:
    """A registry, with `login` one that asks for `LOGIN`.

    `answer` is what the relay says instead of passing requests on: a whole HTTP response, b"" for
    nothing at all (the request hangs), None to pass on.
    """

    def __init__(self, lab: Lab, folder: Path, *, login: bool = False) -> None:
        self._lab = lab
        self._folder = folder
        self._login = login
        self._process: Popen[bytes] | None = None
        self._relay = _Relay(lab.gateway)

    @property
    def address(self) -> str:
        """Its host and port, as in the names of its images."""
        return f"{self._lab.gateway}:{self._relay.port}"

    def __enter__(self) -> RegistryServer:
        self._relay.open()
        port = _free_port()
        self._relay.target = port
        text = _CONFIG % {"data": self._folder / "data", "port": port}
        if self._login:
            (self._folder / "htpasswd").write_text(_PASSWORD_FILE)
            text += _AUTH % {"htpasswd": self._folder / "htpasswd"}
        config = self._folder / "config.yml"
        config.write_text(text)
        command = [tool("docker-registry"), "serve", str(config)]
        self._process = Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        wait_until(lambda: self._answers(port), "the registry")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._relay.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def says(self, answer: bytes | None) -> None:
        """Answer everything with this from now on; None: be a registry again."""
        self._relay.answer = answer
        self._relay.hang_up()

    def change_password(self) -> None:
        """Accept `NEXT_PASSWORD` from now on, and the one of `LOGIN` no more."""
        (self._folder / "htpasswd").write_text(_NEXT_PASSWORD_FILE)

    def take_away(self) -> None:
        """Refuse connections from now on."""
        self._relay.close()

    def give_back(self) -> None:
        """Listen again, at the same address."""
        self._relay.open()

    def push(self, name: str, archive: Path) -> str:
        """Push an archive's image as `name` (`PATH:TAG`); returns the whole name.

        The image is not left on any node.
        """
        node = self._lab.manager.client()
        load(node, archive)
        whole = f"{self.address}/{name}"
        repository, _, tag = whole.rpartition(":")
        source = _name_of(node, archive)
        node.tag(source, repository, tag)
        auth = {"username": LOGIN[0], "password": LOGIN[1]} if self._login else None
        for line in node.push(repository, tag, stream=True, decode=True, auth_config=auth):
            if "error" in line:
                raise LabError(f"{whole} was not pushed: {line['error']}")
        node.remove_image(whole)
        return whole

    def digest(self, name: str) -> str:
        """The digest of what has this name (`PATH:TAG`)."""
        path, _, tag = name.rpartition(":")
        with urllib.request.urlopen(self._request("HEAD", f"{path}/manifests/{tag}")) as answer:
            found: str = answer.headers["Docker-Content-Digest"]
        return found

    def delete(self, name: str) -> None:
        """Delete what has this name (`PATH:TAG`)."""
        path = name.rpartition(":")[0]
        request = self._request("DELETE", f"{path}/manifests/{self.digest(name)}")
        urllib.request.urlopen(request).close()

    def _request(self, method: str, path: str) -> urllib.request.Request:
        headers = {"Accept": _MANIFESTS}
        if self._login:
            headers["Authorization"] = f"Basic {b64encode(':'.join(LOGIN).encode()).decode()}"
        url = f"http://127.0.0.1:{self._relay.target}/v2/{path}"
        return urllib.request.Request(url, method=method, headers=headers)

    def _answers(self, port: int) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise LabError("the registry ended")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/").close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


class _Relay:
    """Passes connections on to a port of loopback, or answers them itself; all in threads."""

    def __init__(self, host: str) -> None:
        self.target = 0
        self.port = 0
        self.answer: bytes | None = None
        self._host = host
        self._server: socket.socket | None = None
        self._open: set[socket.socket] = set()

    def open(self) -> None:
        self._server = socket.create_server((self._host, self.port), reuse_port=False)
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None
        self.hang_up()

    def hang_up(self) -> None:
        """End all connections."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with closing(near), suppress(OSError):
            self._open.add(near)
            try:
                if self.answer is None:
                    self._pass_on(near)
                elif near.recv(_CHUNK) and self.answer:
                    near.sendall(self.answer)
                    near.shutdown(socket.SHUT_WR)
                while near.recv(_CHUNK):
                    pass
            finally:
                self._open.discard(near)

    def _pass_on(self, near: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self.target)) as far:
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _name_of(client: APIClient, archive: Path) -> str:
    """The name of an archive's image (`docker save`'s `manifest.json`)."""
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        name: str = json.load(manifest)[0]["RepoTags"][0]
    assert client.inspect_image(name)
    return name

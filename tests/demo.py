"""The demo as a process of its own, and its page as a program sees it."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

ANN, BOB = "U0ANN00001", "U0BOB00001"
SWARM, ALERTS = "C0SWARM001", "C0ALERTS01"
PATIENCE = 60.0
LOOK_EACH = 0.05
KEPT = ("PATH", "HOME")

Json = dict[str, Any]
T = TypeVar("T")
_DIRECTLY = build_opener(ProxyHandler({}))


class DemoProcess:
    """``python -m playground`` with these arguments, and these variables beside PATH and HOME.

    Its temporary files are in ``folder``, where a test can check what is left. ``module`` is
    another one than ``bot`` with the same command line.
    """

    def __init__(self, *arguments: str, module: str = "playground", **environ: str) -> None:
        self._module = module
        self._arguments = arguments or ("--port", "0")
        self._environ = environ
        self._made = tempfile.TemporaryDirectory(prefix="demo-")
        self._log = Path(self._made.name) / "log"
        self.folder = Path(self._made.name) / "tmp"
        self.line = ""

    def __enter__(self) -> Self:
        self.launch()
        try:
            self.wait_for_line()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._made.cleanup()

    @classmethod
    @contextmanager
    def launched(cls, **environ: str) -> Iterator[Self]:
        """A demo that has just been started."""
        demo = cls(**environ)
        demo.launch()
        try:
            yield demo
        finally:
            demo.__exit__()

    def wait_for_file(self, name: str) -> Path:
        """A file in its temporary folder, as soon as it exists."""
        return self._wait(lambda: next(iter(self.folder.rglob(name)), None), name)

    @property
    def url(self) -> str:
        """The page's address, as it was printed."""
        found = re.search(r"http://\S+?/", self.line)
        assert found, self.line
        return found[0]

    @property
    def errors(self) -> str:
        """The text on standard error."""
        return self._log.read_text(errors="replace")

    def launch(self) -> None:
        """Start it without waiting."""
        self.folder.mkdir()
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "default", "-m", self._module, *self._arguments],
                env={**kept, "TMPDIR": str(self.folder), **self._environ},
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def wait_for_line(self) -> None:
        """Wait until it prints its address."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, f"the demo says nothing: {self.errors}"
        self.line = self.process.stdout.readline().decode().strip()
        assert self.line, f"the demo ended: {self.errors}"

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def left(self) -> list[str]:
        """Files left in its folder, and running processes that were started with one of them."""
        return [str(path) for path in self.folder.rglob("*")] + processes_of(self.folder)

    def get(self, path: str, **query: str) -> bytes:
        """The answer of the page's server for a path."""
        with _DIRECTLY.open(f"{self.url}{path}?{urlencode(query)}", timeout=PATIENCE) as answer:
            body: bytes = answer.read()
            return body

    def post(self, path: str, **asked: Any) -> Json:
        """Call the page's server as the page does."""
        headers = {"Content-Type": "application/json"}
        body = json.dumps(asked).encode()
        request = Request(f"{self.url}api/{path}", body, headers)
        with _DIRECTLY.open(request, timeout=PATIENCE) as answer:
            found: Json = json.load(answer)
            return found

    def type(self, text: str, user: str = ANN) -> None:
        """Type a message in #swarm as a person."""
        assert self.post("type", user=user, channel=SWARM, text=text) == {}

    def breaks(self, name: str, **values: str) -> None:
        """Use the panel."""
        assert "done" in self.post("break", name=name, values=values)

    def messages(self, user: str = ANN) -> list[Json]:
        """All messages that a person sees."""
        found: list[Json] = json.loads(self.get("api/state", user=user))["messages"]
        return found

    def message(
        self, text: str, user: str = ANN, channel: str = SWARM, *, seconds: float = PATIENCE
    ) -> Json:
        """The first message in a channel with this text, now or soon."""
        return self._wait(lambda: self._find(text, user, channel), text, seconds)

    def _find(self, text: str, user: str, channel: str) -> Json | None:
        said = (each for each in self.messages(user) if each["channel"] == channel)
        return next((each for each in said if text in each["text"]), None)

    def _wait(self, probe: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
        until = time.monotonic() + seconds
        while (found := probe()) is None:
            assert time.monotonic() < until, f"no {what!r}: {self._seen()}\n{self.errors}"
            time.sleep(LOOK_EACH)
        return found

    def _seen(self) -> list[str]:
        return [each["text"][:120] for each in self.messages()] if self.line else []


def processes_of(folder: Path) -> list[str]:
    """The processes that were started with a file of this folder or run in it, in words."""
    found = (_process(path) for path in Path("/proc").glob("[0-9]*"))
    return [words for words in found if str(folder) in words]


def _process(path: Path) -> str:
    """Its working directory and command line, which some servers rewrite."""
    try:
        line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{line} in {(path / 'cwd').readlink()}"
    except OSError:
        return ""  # it ended meanwhile

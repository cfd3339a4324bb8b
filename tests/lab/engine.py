"""An engine in its own namespaces, like a separate machine.

Its network namespace, if it has one, outlives it (the machine's network card); its pid, mount and
UTS namespaces are created at each boot. So killing the first process of the pid namespace ends the
engine, its shims and its containers at once, mounts included, like a machine that lost its power.
Inside, `/run` is a private tmpfs, so that the engine has its default paths there
(`/var/run/docker.sock`, `/var/run/docker/swarm/control.sock`) and stack files that mount them work
unchanged.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from docker import APIClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from tests.lab import engines
from tests.lab.shell import tool
from tests.lab.site import Process, Site
from tests.lab.waiting import LabError, wait_until

# The shell stays as first process to reap orphaned shims.
_BOOT = """
set -e
echo "$NAME" > /proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 lab /run
mkdir -p /run/docker /run/lock
mount --bind "$EXEC_ROOT" /run/docker
resolver=$(readlink -m /etc/resolv.conf)
mkdir -p "${resolver%/*}"
[ -e "$resolver" ] || : > "$resolver"
mount --bind "$RESOLVER" "$resolver"
"$@" &
wait $!
"""


_PASSED_ON = ("DOCKER_MIN_API_VERSION",)


@dataclass
class Engine:
    """One dockerd: its paths and address, how it starts and how it is lost."""

    site: Site
    name: str
    _boot: Popen[bytes] | None = field(default=None, repr=False, kw_only=True)
    _client: APIClient | None = field(default=None, repr=False, kw_only=True)

    @property
    def folder(self) -> Path:
        """The engine's part of the lab's folder."""
        return self.site.folder / self.name

    @property
    def data_root(self) -> Path:
        """The data root, which survives a boot: images, containers, the swarm's state."""
        return self.folder / "data"

    @property
    def exec_root(self) -> Path:
        """The engine's runtime folder as seen from the machine."""
        return self.folder / "exec"

    @property
    def socket(self) -> str:
        """The engine's API as DOCKER_HOST takes it (`unix://…`)."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def log(self) -> Path:
        """The engine's log of all boots."""
        return self.folder / "dockerd.log"

    @property
    def running(self) -> bool:
        """Whether the engine's process runs."""
        return self._boot is not None and self._boot.poll() is None

    @property
    def pid(self) -> int:
        """The engine's pid in the machine's pid namespace.

        Raises:
            LabError: it does not run.
        """
        for pid in _children(self._init().pid):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd":
                return pid
        raise LabError(f"{self.name} does not run")

    def client(self) -> APIClient:
        """The low-level client of the docker SDK, one for the lifetime of the node."""
        if self._client is None:
            self._client = APIClient(base_url=self.socket, version="auto", timeout=60)
        return self._client

    def start(self) -> None:
        """Boot the engine; returns before it answers (see `wait_for_api`)."""
        # A real machine boots with an empty /run: no stale pid file, no dead sockets.
        shutil.rmtree(self.exec_root, ignore_errors=True)
        self.exec_root.mkdir(parents=True)
        (self.folder / "docker.sock").unlink(missing_ok=True)
        (self.folder / "docker.pid").unlink(missing_ok=True)
        resolver = self.folder / "resolv.conf"
        resolver.write_text(self._resolver())
        with self.log.open("ab") as log:
            self._boot = Popen(
                [*self._command(), *self._engine()],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.site.remember(self._init())

    def wait_for_api(self, seconds: float = 60.0) -> None:
        """Return when the engine answers; LabError with the end of its log if it died."""
        wait_until(self._answers, f"the API of {self.name}", seconds=seconds)

    def kill(self) -> None:
        """Lose the machine: the engine and everything that runs on it end at once."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._boot is not None:
            if self.running:
                self._init().kill()
            self._boot.wait(timeout=30)
            self._boot = None

    def shut_down(self) -> None:
        """Shut the engine down cleanly, like the machine's power button."""
        if self.running:
            os.kill(self.pid, signal.SIGTERM)
            wait_until(lambda: not self.running, f"{self.name} to shut down")
        self.kill()

    def freeze(self) -> None:
        """Freeze the engine: it accepts connections and answers none. Its containers run on."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume the engine."""
        os.kill(self.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        if not self.running:
            raise LabError(f"{self.name} ended: {self.log.read_text()[-2000:]}")
        try:
            # docker-py leaves its socket open when it cannot connect: try with our own first.
            with socket.socket(socket.AF_UNIX) as door:
                door.connect(self.socket.removeprefix("unix://"))
            return bool(self.client().ping())
        except (OSError, DockerException, RequestException):
            return False

    def _init(self) -> Process:
        """The first process of the node's pid namespace."""
        boot = self._boot
        if boot is None:
            raise LabError(f"{self.name} does not run")

        def look() -> Process | None:
            if boot.poll() is not None:
                raise LabError(f"{self.name} ended: {self.log.read_text()[-2000:]}")
            return next(filter(None, map(Process.of, _children(boot.pid))), None)

        return wait_until(look, f"the first process of {self.name}", every=0.005)

    def _resolver(self) -> str:
        """The engine's resolv.conf: the machine's own."""
        return Path("/etc/resolv.conf").read_text()

    def _network(self) -> list[str]:
        """The command that enters the engine's network; empty to stay in the machine's."""
        return []

    def _options(self) -> list[str]:
        """Options of dockerd in addition to those that every engine of a lab has."""
        return []

    def _command(self) -> list[str]:
        own = ["--uts", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        return [*self._network(), tool("unshare"), *own, tool("sh"), "-c", _BOOT, "boot"]

    def _engine(self) -> list[str]:
        return [
            engines.chosen().dockerd,
            f"--host={self.socket}",
            "--host=unix:///var/run/docker.sock",
            f"--data-root={self.data_root}",
            f"--pidfile={self.folder}/docker.pid",
            "--bridge=none",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            f"--cgroup-parent={self.site.cgroup}",
            f"--config-file={self._configured()}",
            *self._options(),
        ]

    def _configured(self) -> Path:
        """The engine's configuration file."""
        containerd = engines.image_store() == engines.CONTAINERD
        features = {"features": {"containerd-snapshotter": True}} if containerd else {}
        file = self.folder / "daemon.json"
        file.write_text(json.dumps(features))
        return file

    def _environment(self) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "PATH": engines.chosen().path,
            "NAME": self.name,
            "EXEC_ROOT": str(self.exec_root),
            "RESOLVER": str(self.folder / "resolv.conf"),
            # A tenth of an engine's CPU time goes into collecting garbage at the default of 100.
            "GOGC": "400",
            # Idle threads of Go's scheduler look for work, on two cores for twenty engines.
            "GOMAXPROCS": "1",
        }


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []

"""The resources that a lab occupies on this machine, derived from its folder and number.

The number (1 to 254) is claimed by creating the folder, which the kernel does atomically, and
released by removing it last: so several labs can run side by side. Subnets come from 198.18.0.0/15,
set aside by RFC 2544 for tests between network devices, so they do not collide with the machine's
real networks.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.shell import CommandError, run, succeeds
from tests.lab.waiting import LabError, wait_until

REGISTRIES = "198.18.0.0/15"
"""The networks of all labs, whose registries speak plain HTTP."""

_PREFIX = "orochi-lab-"
_CGROUPS = Path("/sys/fs/cgroup")
_NUMBERS = range(1, 255)
_HALF_MADE_SECONDS = 10.0
_ENOUGH_MEMORY = 4 * 2**30


@dataclass(frozen=True)
class Process:
    """A process; its start time (clock ticks) distinguishes it from others with that pid."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The running process with this pid; None if there is none or it is a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, *rest = stat.rpartition(")")[2].split()  # proc(5): state is field 3
        return None if state in "ZX" else cls(pid, int(rest[18]))  # starttime is field 22

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def kill(self) -> None:
        """Kill it with SIGKILL and wait until it is gone."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not self.alive, f"the end of process {self.pid}")


@dataclass(frozen=True)
class Site:
    """The names of everything that the lab with this number creates on the machine."""

    folder: Path
    number: int

    @property
    def bridge(self) -> str:
        """Name of the bridge that joins the nodes."""
        return f"olab-{self.number}"

    @property
    def gateway(self) -> str:
        """The machine's own address on the bridge, where containers reach its servers."""
        return f"198.18.{self.number}.1"

    @property
    def cgroup(self) -> str:
        """Parent control group of the lab's containers."""
        return f"/{_PREFIX}{self.number}"

    def address(self, index: int) -> str:
        """IPv4 address of the node with this index (from 1)."""
        return f"198.18.{self.number}.{index + 10}"

    def namespace(self, index: int) -> str:
        """Name of the node's network namespace."""
        return f"{self.bridge}-{index}"

    def join(self, index: int) -> None:
        """Create the network namespace of a node and connect it to the bridge."""
        namespace, port = self.namespace(index), f"{self.bridge}-{index}"
        run(["ip", "netns", "add", namespace])
        run(
            ["ip", "-batch", "-"],
            stdin=f"link add {port} type veth peer name eth0 netns {namespace}\n"
            f"link set {port} master {self.bridge} up\n",
        )
        run(
            ["ip", "-netns", namespace, "-batch", "-"],
            stdin=f"link set lo up\naddr add {self.address(index)}/24 dev eth0\nlink set eth0 up\n",
        )

    def remember(self, process: Process) -> None:
        """Record a process that must end with the lab."""
        (self.folder / f"{process.pid}.process").write_text(json.dumps(vars(process)))

    def processes(self) -> Iterator[Process]:
        """The processes recorded by `remember`."""
        for note in self.folder.glob("*.process"):
            yield Process(**json.loads(note.read_text()))

    @property
    def owner(self) -> Process | None:
        """The process that started the lab; None if its folder is incomplete."""
        try:
            return Process(**json.loads((self.folder / "owner.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    @property
    def stale(self) -> bool:
        """Whether the lab exists and its owner has ended."""
        owner = self.owner
        if owner is None:  # its folder is just being created, is incomplete, or is gone
            return _age(self.folder) > _HALF_MADE_SECONDS
        return not owner.alive

    def clear(self) -> None:
        """Remove everything of this lab from the machine; parts already gone are ignored."""
        with _clearing():
            self._clear()

    def clear_if_stale(self) -> bool:
        """Clear it unless it has an owner or another process was faster; returns whether it did."""
        with _clearing():
            if not self.stale:
                return False
            self._clear()
            return True

    def _clear(self) -> None:
        for process in self.processes():
            process.kill()
        self._clear_network()
        for group in self._control_groups():
            _remove_cgroup(group)
        _unmount_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            raise LabError(f"{self.folder} cannot be removed")

    def remains(self) -> list[str]:
        """What still exists of this lab on the machine, in words; empty after `clear`."""
        links = run(["ip", "-o", "link"]).splitlines()
        rules = run(["iptables", "-w", "-S"]).splitlines()
        found = [line for line in links if self._owns(line)]
        found += [name for name in _namespaces() if self._owns(name)]
        found += [rule for rule in rules if self._owns(rule)]
        found += [str(mount) for mount in _mounts() if mount.is_relative_to(self.folder)]
        found += [str(group) for group in self._control_groups() if group.exists()]
        found += [f"process {pid}" for pid in _processes_with_mounts_of(self.folder)]
        return [*found, str(self.folder)] if self.folder.exists() else found

    def _control_groups(self) -> list[Path]:
        """Where this lab's control group may be: one for each hierarchy."""
        hierarchies = (_CGROUPS, *_CGROUPS.glob("*/"))
        return [hierarchy / self.cgroup.lstrip("/") for hierarchy in hierarchies]

    def _owns(self, line: str) -> bool:
        words = line.replace("@", " ").replace(":", " ").split()
        return any(word == self.bridge or word.startswith(f"{self.bridge}-") for word in words)

    def _clear_network(self) -> None:
        for namespace in _namespaces():
            if self._owns(namespace):
                succeeds(["ip", "netns", "del", namespace])
        for line in run(["ip", "-o", "link"]).splitlines():
            name = line.split(":")[1].strip().split("@")[0]
            if name.startswith(f"{self.bridge}-"):
                succeeds(["ip", "link", "del", name])
        while succeeds(["iptables", "-w", "-D", *_forward_rule(self.bridge)]):
            continue
        succeeds(["ip", "link", "del", self.bridge])


def claim(*, in_memory: bool = False) -> Site:
    """Claim a free number with its folder, its bridge and the rule that lets its traffic pass.

    With `in_memory` the folder is in memory, if the machine has enough: engines write and wait for
    the disk at each step of a container's life, about a tenth of their processor time.

    Raises:
        LabError: all numbers are taken.
    """
    for number in random.sample(_NUMBERS, len(_NUMBERS)):
        site = Site(Path(tempfile.gettempdir()) / f"{_PREFIX}{number}", number)
        if Path(f"/sys/class/net/{site.bridge}").exists():
            continue
        with suppress(FileExistsError):
            site.folder.mkdir(mode=0o755)
            if in_memory and _free_memory() > _ENOUGH_MEMORY:
                succeeds(["mount", "-t", "tmpfs", "-o", "mode=755", "lab", str(site.folder)])
            return _settle(site)
    raise LabError("no number is free for another lab: python -m tests.lab clean")


def _free_memory() -> int:
    """Bytes that programs can get without swapping (proc(5), ``MemAvailable``)."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    found = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(found.split()[1]) * 1024


def reap() -> list[Site]:
    """Clear every lab of this machine whose owner has ended; returns the cleared ones."""
    folders = Path(tempfile.gettempdir()).glob(f"{_PREFIX}[0-9]*")
    sites = [Site(folder, int(folder.name.removeprefix(_PREFIX))) for folder in folders]
    return [site for site in sites if site.clear_if_stale()]


def _settle(site: Site) -> Site:
    owner = Process.of(os.getpid())
    (site.folder / "owner.json").write_text(json.dumps(vars(owner)))
    try:
        run(["ip", "link", "add", site.bridge, "type", "bridge"])
        run(["ip", "addr", "add", f"{site.gateway}/24", "dev", site.bridge])
        run(["ip", "link", "set", site.bridge, "up"])
        # Bridged frames pass iptables where br_netfilter is loaded.
        run(["iptables", "-w", "-I", *_forward_rule(site.bridge)])
    except CommandError:
        site.clear()
        raise
    return site


@contextmanager
def _clearing() -> Iterator[None]:
    """Allow one at a time on a machine; otherwise a number just claimed could be cleared again."""
    lock = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _forward_rule(bridge: str) -> list[str]:
    return ["FORWARD", "-i", bridge, "-o", bridge, "-j", "ACCEPT"]


def _namespaces() -> list[str]:
    return [line.split()[0] for line in run(["ip", "netns", "list"]).splitlines()]


def _mounts() -> list[Path]:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [Path(line.split()[1]) for line in lines]


def _unmount_below(folder: Path) -> None:
    for mount in reversed([mount for mount in _mounts() if mount.is_relative_to(folder)]):
        succeeds(["umount", "-l", str(mount)])


def _processes_with_mounts_of(folder: Path) -> Iterator[int]:
    """Every process of an engine or its containers has a part of the folder mounted."""
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        with suppress(OSError):  # it ended meanwhile
            if f"{folder}/" in table.read_text():
                yield int(table.parent.name)


def _remove_cgroup(group: Path) -> None:
    wait_until(lambda: _is_removed(group), f"{group} to be empty", seconds=5)


def _is_removed(group: Path) -> bool:
    if group.is_dir():
        with suppress(OSError):  # busy while the last process leaves
            for inner in sorted(group.glob("**/"), reverse=True):
                inner.rmdir()
    return not group.exists()

"""The lab itself: N engines joined to one swarm, and the operations that tests need.

It is a faithful swarm except for three things: the kernel of a test machine may lack IPVS, so tests
cannot rely on virtual IPs and ingress ports (use `endpoint_mode: dnsrr`); nothing is pulled,
because there is no registry; and the dispatcher's heartbeat, an ordinary setting of the swarm, is 2
s instead of 5 s, so that a lost node is noticed in 6 s, not 15.
"""

from __future__ import annotations

import atexit
import gc
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from docker import APIClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from tests.lab import cleaning, images, site
from tests.lab.node import Node
from tests.lab.shell import CommandError, run
from tests.lab.waiting import LabError, wait_until

_SWARM_PORT = 2377
_ATTEMPTS = 10
T = TypeVar("T")
_PROJECT = Path(__file__).resolve().parents[2]


class Lab:
    """A swarm of `nodes` engines of which the first `managers` are managers.

    Use it as a context manager, or call `start` and `stop`. If the owning process dies in any way,
    including SIGKILL, a guard process removes the lab. `preload` puts images into the nodes' data
    roots before they boot: see `tests.lab.builder.provide`.
    """

    def __init__(
        self,
        nodes: int = 3,
        managers: int = 1,
        *,
        heartbeat: float = 2.0,
        preload: Callable[[site.Site, list[Path]], None] | None = None,
    ) -> None:
        if not 1 <= managers <= nodes <= 200:
            raise ValueError(f"no swarm has {managers} managers of {nodes} nodes")
        self._size = nodes
        self._managers = managers
        self._heartbeat = heartbeat
        self._preload = preload
        self._guard: subprocess.Popen[bytes] | None = None
        self._site: site.Site | None = None
        self.nodes: list[Node] = []

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def site(self) -> site.Site:
        """The lab's resources on this machine; LabError if it is not up."""
        if self._site is None:
            raise LabError("the lab is not up")
        return self._site

    @property
    def gateway(self) -> str:
        """The machine's own address as the lab's containers reach it."""
        return self.site.gateway

    @property
    def manager(self) -> Node:
        """The first manager that runs."""
        for node in self.nodes:
            if node.manager and node.running:
                return node
        raise LabError("no manager runs")

    @property
    def leader(self) -> Node:
        """The manager that leads now."""
        for entry in self.client().nodes(filters={"role": "manager"}):
            if entry.get("ManagerStatus", {}).get("Leader"):
                return self.node(entry["Description"]["Hostname"])
        raise LabError("the swarm has no leader")

    def node(self, name: str | int) -> Node:
        """The node with this hostname, or with this number (from 1)."""
        for node in self.nodes:
            if name in (node.name, node.index):
                return node
        raise LabError(f"the lab has no node {name}")

    def start(self) -> None:
        """Start the swarm, with `lab/busy` images on every node; stale labs are removed first."""
        site.reap()
        # Images that are given to the engines are linked, which needs one file system.
        self._site = site.claim(in_memory=self._preload is None)
        atexit.register(self.stop)
        try:
            self._guard = _guard(self.site)
            self._boot()
            self._join()
            for archive in images.busy_archives():
                self.load_archive(archive)
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Remove everything; afterwards nothing of the lab is on the machine."""
        atexit.unregister(self.stop)
        if self._site is None:
            return
        try:
            for node in self.nodes:  # no threads, because none can start at the interpreter's exit
                node.kill()
        finally:
            self._site.clear()
        if self._guard is not None:
            self._guard.communicate()
        self._site = self._guard = None
        self.nodes = []

    def client(self, node: Node | None = None) -> APIClient:
        """Low-level client of the docker SDK for a node (default: a running manager)."""
        return (node or self.manager).client()

    def docker(
        self, *args: str, node: Node | None = None, stdin: str | None = None, seconds: float = 120.0
    ) -> str:
        """Standard output of the real `docker` command-line client against a node.

        A change that the swarm refuses because it changed the same object at that moment is
        retried, as a person would do.

        Raises:
            CommandError: with the client's standard error.
        """
        env = {"DOCKER_HOST": (node or self.manager).socket, "DOCKER_CLI_HINTS": "false"}
        for _ in range(_ATTEMPTS - 1):
            try:
                return run(["docker", *args], stdin=stdin, env=env, seconds=seconds)
            except CommandError as error:
                if "update out of sequence" not in str(error):
                    raise
        return run(["docker", *args], stdin=stdin, env=env, seconds=seconds)

    def create_service(
        self,
        name: str,
        *command: str,
        image: str = images.BUSY,
        replicas: int = 1,
        options: Sequence[str] = (),
    ) -> str:
        """Id of a new service that runs `command` in `image`; does not wait for its tasks.

        `options` are further options of `docker service create`.
        """
        return self.docker(
            "service", "create", "--quiet", "--detach", "--no-resolve-image",
            "--name", name, "--replicas", str(replicas), *options, image, *command,
        ).strip()  # fmt: skip

    def load_archive(self, archive: Path, nodes: Iterable[Node] | None = None) -> None:
        """Load an image archive (from `docker save`) on the nodes (default: all)."""
        self._each(nodes or self.nodes, lambda node: images.load(node.client(), archive))

    def stop_node(self, node: Node) -> None:
        """Lose the node: its engine and containers die at once, its network card stays."""
        node.kill()

    def start_node(self, node: Node) -> None:
        """Boot a lost node again; it rejoins the swarm with its old data."""
        node.start()
        node.wait_for_api()

    def node_states(self) -> dict[str, str]:
        """State of each node by hostname as the swarm sees it (`ready`, `down`, …)."""
        entries = self.client().nodes()
        return {entry["Description"]["Hostname"]: entry["Status"]["State"] for entry in entries}

    def wait_ready(self, seconds: float = 60.0) -> None:
        """Return when every node is ready and every manager reachable.

        An engine that died during an election may stay down in the swarm for ever when it is
        started again: one that is not ready after half the time is restarted once.
        """
        try:
            wait_until(self._is_ready, "all nodes ready", seconds=seconds / 2)
        except LabError:
            states = self.node_states()
            for node in self.nodes:
                if states.get(node.name) != "ready":
                    node.kill()
                    self.start_node(node)
            wait_until(self._is_ready, "all nodes ready", seconds=seconds)

    def wait_node_state(self, node: Node, state: str, seconds: float = 60.0) -> None:
        """Return when the swarm sees the node in this state."""
        wait_until(
            lambda: self._ask(lambda: self.node_states().get(node.name) == state),
            f"{node.name} {state}",
            seconds=seconds,
        )

    def wait_running(self, service: str, count: int, seconds: float = 60.0) -> None:
        """Return when exactly `count` tasks of the service run and should run."""
        wait_until(
            lambda: len(cleaning.running(self.client(), service)) == count,
            f"{count} running tasks of {service}",
            seconds=seconds,
        )

    def describe(self) -> str:
        """Nodes and tasks in a few lines, for the report of a failed test."""
        try:
            nodes, tasks = self.docker("node", "ls"), self._tasks_table()
        except LabError as error:
            return f"the swarm does not answer: {error}"
        return f"{nodes}\n{tasks}"

    def clean(self) -> None:
        """Undo everything that a test did, except images.

        Lost nodes are booted; services, secrets, configs, networks, containers and volumes are
        removed; every node is active, without labels and in its first role. An engine that ends by
        itself meanwhile, which is not the test's fault, is started again and the end of its log is
        printed.
        """
        try:
            self._clean()
        except (DockerException, RequestException) as error:
            died = self._died()
            if not died:
                raise
            error.__traceback__ = None
        else:
            return
        _forget_connections()
        for node in died:
            sys.stdout.write(f"{node.name} ended by itself: {node.log.read_text()[-4000:]}\n")
            node.kill()
        self._clean()

    def _died(self) -> list[Node]:
        """The nodes that do not run; a process takes a moment to end after its sockets."""
        with suppress(LabError):
            wait_until(lambda: not all(node.running for node in self.nodes), "an end", seconds=5)
        return [node for node in self.nodes if not node.running]

    def _clean(self) -> None:
        lost = [node for node in self.nodes if not node.running]
        self._each(lost, self.start_node)
        if lost:
            self.wait_ready()
        cleaning.clean_swarm(self.client())
        cleaning.reset_nodes(self.client(), {node.name: node.manager for node in self.nodes})
        self._each(self.nodes, lambda node: cleaning.kill_containers(node.client()))
        wait_until(self._has_no_tasks, "the end of all tasks", seconds=120)
        wait_until(self._has_no_containers, "the end of all containers", seconds=60)
        self._each(self.nodes, lambda node: cleaning.clean_engine(node.client()))
        self.wait_ready()

    def _boot(self) -> None:
        numbers = range(1, self._size + 1)
        nodes = [Node(self.site, index, manager=index <= self._managers) for index in numbers]
        if self._preload is not None:
            self._preload(self.site, [node.data_root for node in nodes])
        for node in nodes:
            self.site.join(node.index)
            node.start()
            self.nodes.append(node)
        self._each(self.nodes, Node.wait_for_api)

    def _join(self) -> None:
        first, *others = self.nodes
        client = first.client()
        period = int(self._heartbeat * 1e9)
        client.init_swarm(
            advertise_addr=first.address,
            listen_addr=f"{first.address}:{_SWARM_PORT}",
            swarm_spec=client.create_swarm_spec(dispatcher_heartbeat_period=period),
        )
        tokens = client.inspect_swarm()["JoinTokens"]
        managers = [node for node in others if node.manager]
        workers = [node for node in others if not node.manager]
        for node in managers:
            self._join_one(node, tokens["Manager"])
        self._each(workers, lambda node: self._join_one(node, tokens["Worker"]))

    def _join_one(self, node: Node, token: str) -> None:
        node.client().join_swarm(
            remote_addrs=[f"{self.nodes[0].address}:{_SWARM_PORT}"],
            join_token=token,
            advertise_addr=node.address,
            listen_addr=f"{node.address}:{_SWARM_PORT}",
        )

    def _tasks_table(self) -> str:
        services = self.docker("service", "ls", "--quiet").split()
        return self.docker("service", "ps", "--no-trunc", *services) if services else "no services"

    def _has_no_tasks(self) -> bool:
        return self._ask(lambda: cleaning.no_tasks(self.client()))

    def _has_no_containers(self) -> bool:
        return all(self._each(self.nodes, lambda node: cleaning.no_containers(node.client())))

    def _is_ready(self) -> bool:
        return self._ask(lambda: _all_ready(self.client().nodes(), len(self.nodes)))

    def _ask(self, question: Callable[[], bool]) -> bool:
        """The look's result; False while the swarm cannot answer (no leader yet)."""
        try:
            return bool(question())
        except (DockerException, RequestException):
            return False

    def _each(self, nodes: Iterable[Node], act: Callable[[Node], T]) -> list[T]:
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(act, nodes))


def _forget_connections() -> None:
    """Close the failed sockets that Docker's client leaves open, to avoid a later warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _all_ready(entries: list[dict[str, Any]], size: int) -> bool:
    ready = [entry for entry in entries if entry["Status"]["State"] == "ready"]
    reachable = all(
        entry.get("ManagerStatus", {}).get("Reachability") == "reachable"
        for entry in entries
        if entry["Spec"]["Role"] == "manager"
    )
    return reachable and len(ready) == len(entries) == size


def _guard(place: site.Site) -> subprocess.Popen[bytes]:
    """Start a process that clears the lab when our end of its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lab", "guard", str(place.folder), str(place.number)],
        cwd=_PROJECT,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )

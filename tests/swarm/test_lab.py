"""The lab is a real swarm, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker import APIClient

from tests.lab import cleaning, engines, images, site
from tests.lab.shell import CommandError
from tests.lab.site import Site
from tests.lab.swarm import Lab
from tests.lab.waiting import wait_until

PROJECT = Path(__file__).resolve().parents[2]
MACHINES = [f"photon-machine-{number:02d}" for number in range(1, 6)]


def test_all_nodes_are_ready_managers_under_their_names(lab: Lab) -> None:
    nodes = lab.client().nodes()

    assert sorted(node["Description"]["Hostname"] for node in nodes) == MACHINES[:3]
    assert {node["Status"]["State"] for node in nodes} == {"ready"}
    assert {node["Spec"]["Role"] for node in nodes} == {"manager"}
    assert lab.leader.name in MACHINES[:3]


def test_the_engine_is_the_chosen_one(lab: Lab) -> None:
    said = {node.client().version()["Version"] for node in lab.nodes}

    assert len(said) == 1
    assert said.pop().startswith(engines.chosen().version)


def test_a_service_runs_on_every_node(lab: Lab) -> None:
    lab.create_service("everywhere", replicas=3, options=["--replicas-max-per-node", "1"])

    lab.wait_running("everywhere", 3)

    assert [len(node.client().containers()) for node in lab.nodes] == [1, 1, 1]


def test_every_manager_offers_its_control_socket(lab: Lab) -> None:
    assert all(node.control_socket.is_socket() for node in lab.nodes)


def test_containers_find_docker_at_its_default_paths(lab: Lab) -> None:
    """A stack file that mounts the engine's default paths works on the lab unchanged."""
    paths = ["/var/run/docker.sock", "/var/run/docker/swarm"]
    mounts = [f"--mount=type=bind,source={path},target={path}" for path in paths]
    look = " && ".join(["test -S /var/run/docker.sock", "test -S /var/run/docker/swarm/*.sock"])

    lab.create_service("looks", "sh", "-c", f"{look} && exec serve", options=mounts)

    lab.wait_running("looks", 1)


def test_services_find_each_other_across_nodes(lab: Lab) -> None:
    overlay = ["--network", "across", "--endpoint-mode", "dnsrr"]
    lab.docker("network", "create", "--driver", "overlay", "across")
    place = [[f"--constraint=node.hostname=={name}"] for name in MACHINES[:2]]
    lab.create_service(
        "pages", "sh", "-c", "httpd -h /etc; exec serve", options=[*overlay, *place[0]]
    )
    ask = "until wget -q -O - http://pages/passwd; do sleep 0.1; done; exec serve"
    lab.create_service("asks", "sh", "-c", ask, options=[*overlay, *place[1]])

    wait_until(lambda: "root:x:0" in lab.docker("service", "logs", "asks"), "an answer")


def test_a_missing_image_fails_within_seconds(lab: Lab) -> None:
    """No pull waits for the lookup of a registry's name."""
    lab.docker("service", "create", "--detach", "--name", "nowhere", "nowhere/image:1")

    def errors() -> list[str]:
        tasks = lab.client().tasks(filters={"service": "nowhere"})
        return [task["Status"]["Err"] for task in tasks if task["Status"].get("Err")]

    assert "No such image: nowhere/image:1" in wait_until(errors, "a refusal", seconds=30)[0]


@pytest.mark.parametrize(
    ("image", "command", "end"),
    [
        (images.BUSY, "crash 0 3", ("failed", 3, "task: non-zero exit (3)")),
        (images.BUSY, "once", ("complete", 0, "")),
        (images.BUSY, "once 4", ("failed", 4, "task: non-zero exit (4)")),
        (images.BUSY, "eatmemory 64", ("failed", 137, "task: non-zero exit (137)")),
        (images.UNHEALTHY, "serve", ("complete", 0, "")),
        (
            images.UNHEALTHY,
            "stubborn",
            ("failed", 137, "task: non-zero exit (137): dockerexec: unhealthy container"),
        ),
    ],
)
def test_the_images_programs_end_as_documented(
    lab: Lab, image: str, command: str, end: tuple[str, int, str]
) -> None:
    """The task has the state, exit code and error that the engine gives real programs."""
    options = ["--restart-condition=none", "--limit-memory=16m", "--stop-grace-period=1s"]
    lab.create_service("ends", *command.split(), image=image, options=options)

    def ended() -> tuple[str, int, str] | None:
        for task in lab.client().tasks(filters={"service": "ends"}):
            status = task["Status"]
            if status["State"] in ("failed", "complete"):
                code = status["ContainerStatus"].get("ExitCode", 0)
                return status["State"], code, status.get("Err", "")
        return None

    assert wait_until(ended, "the task's end") == end


def test_a_lost_node_goes_down_and_comes_back(lab: Lab) -> None:
    lost = lab.node(3)
    lab.create_service("moves", replicas=3)
    lab.wait_running("moves", 3)

    lab.stop_node(lost)
    lab.wait_node_state(lost, "down")
    lab.wait_running("moves", 3)
    lab.start_node(lost)

    lab.wait_ready()
    assert lab.node_states()[lost.name] == "ready"


def test_clean_resets_the_swarm(lab: Lab) -> None:
    lab.docker("network", "create", "--driver", "overlay", "left")
    lab.docker("secret", "create", "left", "-", stdin="secret")
    lab.docker("config", "create", "left", "-", stdin="config")
    lab.docker("node", "update", "--availability=drain", "--label-add=left=1", MACHINES[2])
    lab.docker("node", "demote", MACHINES[1])
    options = ["--network=left", "--endpoint-mode=dnsrr", "--mount=source=left,target=/data"]
    lab.create_service("left", "stubborn", replicas=2, options=options)
    lab.wait_running("left", 2)

    lab.clean()

    client = lab.client()
    assert [*client.services(), *client.secrets(), *client.configs()] == []
    assert cleaning.no_tasks(client)
    assert {network["Name"] for network in client.networks()} <= {
        "ingress", "docker_gwbridge", "host", "none",
    }  # fmt: skip
    assert [node.client().containers(all=True) for node in lab.nodes] == [[], [], []]
    assert [node.client().volumes()["Volumes"] or [] for node in lab.nodes] == [[], [], []]
    expected = {"Role": "manager", "Availability": "active", "Labels": {}}
    assert [node["Spec"] for node in client.nodes()] == [expected] * 3


def test_an_engine_that_ends_while_the_swarm_is_cleaned_is_started_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    last = lab.nodes[-1]
    clean_swarm = cleaning.clean_swarm

    def and_end(client: APIClient) -> None:
        clean_swarm(client)
        monkeypatch.undo()
        os.kill(last.pid, signal.SIGKILL)
        wait_until(lambda: not last.running, "the engine's end")

    monkeypatch.setattr(cleaning, "clean_swarm", and_end)
    lab.create_service("web", "serve")
    lab.clean()

    assert f"{last.name} ended by itself" in capsys.readouterr().out
    assert lab.client().services() == []
    assert set(lab.node_states().values()) == {"ready"}


def test_a_refused_command_raises_dockers_message(lab: Lab) -> None:
    with pytest.raises(CommandError, match="no such service: absent"):
        lab.docker("service", "inspect", "absent")


def test_two_labs_run_side_by_side_and_leave_nothing(
    lab: Lab, lab_factory: Callable[..., Lab]
) -> None:
    other = lab_factory(nodes=2, managers=1)
    place = other.site
    other.create_service("here", replicas=2)
    other.wait_running("here", 2)

    assert other.node_states() == dict.fromkeys(MACHINES[:2], "ready")
    assert lab.client().services() == []
    assert place.remains() != []

    other.stop()

    assert place.remains() == []
    assert set(lab.node_states().values()) == {"ready"}


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_lab_ends_with_its_owner(end: signal.Signals) -> None:
    with lab_at_a_terminal() as (owner, place):
        assert place.remains() != []

        owner.send_signal(end)

        assert owner.wait(30) == (-end if end == signal.SIGKILL else 0)
        wait_until(lambda: not place.remains(), "the end of the lab", seconds=20)


def test_a_lab_whose_guard_was_killed_too_is_removed() -> None:
    with lab_at_a_terminal() as (owner, place):
        children = Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text().split()
        guards = [pid for pid in children if "guard" in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(int(guards[0]), signal.SIGKILL)
        owner.kill()
        owner.wait(30)
        assert place.remains() != []

        assert place in site.reap()

        assert place.remains() == []


@contextmanager
def lab_at_a_terminal() -> Iterator[tuple[subprocess.Popen[str], Site]]:
    """Start `python -m tests.lab up 1`; returns what it occupies once it is up."""
    command = [sys.executable, "-m", "tests.lab", "up", "1"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        line = owner.stdout.readline()
        found = re.search(r"unix://(.*/orochi-lab-(\d+))/photon-machine-01/docker.sock", line)
        assert found, line
        try:
            yield owner, Site(Path(found[1]), int(found[2]))
        finally:
            owner.kill()

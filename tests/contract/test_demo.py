"""``python -m playground`` starts without settings, answers, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from playground.demo import DemoOptions, run
from playground.folder import PREFIX
from playground.panel import BUSY_SECONDS
from playground.slack import SlackEmulator
from playground.swarm import showcase
from tests.demo import ALERTS, BOB, PATIENCE, DemoProcess, processes_of
from tests.lab.redis import RedisServer
from tests.lab.waiting import wait_until

HASTY = "tests.contract.hasty_demo"
LOST = "photon-machine-09"
TROUBLES = (
    ("crash_loop", "orochi_kib01", "kib01"),
    ("crash_task", "orochi_django", "django: exited with an error"),
    ("out_of_memory", "orochi_es01", "es01: out of memory"),
    ("break_volumes", "orochi_worker01", "worker01: a volume cannot be mounted"),
)
"""The fault, its service, and the text of its alert."""


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoProcess]:
    """A demo shared by the tests that leave it unchanged."""
    with DemoProcess(module=HASTY, BOT_ALERTS_QUIET_SECONDS="1") as made:
        yield made


def ends_well(demo: DemoProcess, how: signal.Signals) -> None:
    """End the demo with a signal, and check that nothing is left of it."""
    assert demo.end(how) == 0
    assert demo.left() == []
    assert "Traceback" not in demo.errors


def test_it_prints_its_address_and_what_to_try(demo: DemoProcess) -> None:
    assert re.fullmatch(r"The demo is at http://127\.0\.0\.1:\d+/.*/orochi scale 5.*", demo.line)
    assert b"<title>" in demo.get("")


def test_it_begins_with_a_broken_service_that_is_rolled_back(demo: DemoProcess) -> None:
    """Its alert is there without any command, and resolves after the roll back."""
    demo.message("Firing: server", channel=ALERTS)
    demo.type("/orochi status --all")
    demo.message("2 stacks, 1 unhealthy")

    demo.type("/orochi rollback portainer/server")

    demo.message("Converged: roll back server")
    demo.message("Resolved: server", channel=ALERTS)
    demo.type("/orochi deploy portainer --yes")
    demo.message("Converged: deploy portainer")


def test_a_new_tag_of_the_private_registry_is_rolled(demo: DemoProcess) -> None:
    """With the demo's login, on nodes that never saw it; others are refused for a true reason."""
    demo.type("/orochi images portainer")
    demo.message("portainer: 2 services")
    demo.type("/orochi update worker01 :2.2")
    assert "no variant for the nodes" in demo.message("worker:2.2")["text"]
    demo.type("/orochi update worker01 :9")
    assert "Nothing was changed" in demo.message("has no image")["text"]

    demo.type("/orochi update worker01 :2.1")

    demo.message("Converged: update worker01 to :2.1")
    demo.type("/orochi scale 4")
    demo.message("Converged: scale worker01 to 4")


def test_check_shows_the_login_of_the_private_registry(demo: DemoProcess) -> None:
    """With the login that the demo gives the bot; Slack and Redis are not asked here."""
    socket = next(path for path in demo.folder.rglob("docker.sock") if "machine-01" in str(path))
    settings = {
        "DOCKER_HOST": f"unix://{socket}",
        "REGISTRY_AUTH": showcase.config(),
        "SLACK_BOT_TOKEN": "xoxb-none",
        "SLACK_APP_TOKEN": "xapp-none",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",
        "REDIS_URL": "redis://127.0.0.1:9/0",
    }

    done = subprocess.run(
        [sys.executable, "-m", "bot", "check"],
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert "ok      registries: registry.example.net as robot: ok" in done.stdout


def test_an_operators_command_gets_its_verdict(demo: DemoProcess) -> None:
    demo.type("/orochi scale mailhog 3")

    message = demo.message("Converged: scale mailhog to 3")

    assert message["metadata"]["event_payload"]["verdict"] == "converged"


def test_a_mention_is_answered_in_a_thread_under_it(demo: DemoProcess) -> None:
    demo.type("@orochi nodes")

    asked = demo.message("<@U0BOT00001> nodes")
    answer = demo.message("10 nodes")
    assert answer["thread_ts"] == asked["ts"]
    assert answer["only_for"] is None


def test_a_viewer_can_read_but_not_change(demo: DemoProcess) -> None:
    demo.type("/orochi scale 5", BOB)
    demo.type("/orochi status", BOB)

    assert demo.message("Nothing was changed", BOB)["only_for"] == BOB
    assert demo.message("8 services", BOB)["only_for"] == BOB


def test_alerts_name_the_cause_and_resolve_after_the_repair(
    demo: DemoProcess,
) -> None:
    """Each fault of a service, and a node that is powered off and on again."""
    demo.breaks("stop_node", node=LOST)
    for name, service, said in TROUBLES:
        demo.breaks(name, service=service)
        firing = demo.message(f"Firing: {said}", channel=ALERTS)
        assert firing["metadata"]["event_payload"]["target"] == service
    demo.message(f"Firing: node {LOST}", channel=ALERTS)
    demo.breaks("start_node", node=LOST)
    demo.message(f"Resolved: node {LOST}", channel=ALERTS)
    demo.breaks("mend")
    for _, _, said in TROUBLES:
        demo.message(f"Resolved: {said}", channel=ALERTS)


def test_a_scale_without_the_registry_gets_its_verdict(demo: DemoProcess) -> None:
    """Three failed pulls give a verdict."""
    demo.breaks("lose_registry")
    demo.type("/orochi scale mailhog 7")
    demo.message("Pull failed: scale mailhog to 7")
    demo.breaks("mend")
    demo.type("/orochi scale mailhog 6")
    demo.message("Converged: scale mailhog to 6")


def test_the_panel_refuses_unknown_targets(demo: DemoProcess) -> None:
    assert "error" in demo.post("break", name="crash_task", values={"service": "orochi_none"})
    assert "error" in demo.post("break", name="start_node", values={"node": "photon-machine-02"})


def test_commands_are_refused_only_while_redis_is_away(demo: DemoProcess) -> None:
    demo.breaks("lose_redis")
    demo.type("/orochi scale 2")
    assert "Nothing was changed" in demo.message("Redis does not answer")["text"]
    demo.breaks("redis_back")
    demo.type("/orochi scale 3")
    demo.message("Converged: scale worker01 to 3")


def test_a_verdict_is_delayed_while_slack_is_busy(demo: DemoProcess) -> None:
    demo.breaks("slack_busy")
    typed = time.time()
    demo.type("/orochi scale 1")
    message = demo.message("Converged: scale worker01 to 1")
    assert float(message["ts"]) >= typed + BUSY_SECONDS


def test_without_a_browser_and_docker_cli_it_says_what_to_do(tmp_path: Path) -> None:
    """PATH has no programs except those of the demo itself."""
    with DemoProcess("--port", "0", "--open", PATH=str(tmp_path)) as demo:
        assert demo.url in demo.line
        assert b"<title>" in demo.get("")
        demo.type("/orochi deploy")
        assert "install the package docker-cli" in demo.message("docker CLI")["text"]
        ends_well(demo, signal.SIGTERM)


def test_the_next_demo_removes_what_a_killed_one_left(demo: DemoProcess) -> None:
    """Its processes end with it at once; its folder is deleted, that of a running demo is kept."""
    (own,) = demo.folder.glob(f"{PREFIX}*")
    with DemoProcess(TMPDIR=str(demo.folder)) as killed:
        (others,) = set(demo.folder.glob(f"{PREFIX}*")) - {own}
        assert processes_of(others)
        killed.end(signal.SIGKILL)
    wait_until(lambda: not processes_of(others), "the end of what the killed one started")
    early = demo.folder / f"{PREFIX}killed-before-it-made-its-lock"
    early.mkdir()
    for folder in (own, others, early):
        os.utime(folder, (0, 0))
    with DemoProcess(TMPDIR=str(demo.folder)):
        assert set(demo.folder.glob(f"{PREFIX}*")) & {own, others, early} == {own}
        demo.type("/orochi scale 6")
        demo.message("scale worker01 to 6")


def test_it_can_be_ended_while_it_starts() -> None:
    """The signal arrives right after the start of its Redis, which is its first step."""
    with DemoProcess.launched() as demo:
        demo.wait_for_file("redis.log")

        assert demo.end() == 0

        assert demo.left() == []


def test_a_second_demo_takes_the_next_port(demo: DemoProcess) -> None:
    port = demo.url.rpartition(":")[2].strip("/")
    with DemoProcess("--port", port) as second:
        assert second.url != demo.url
        assert f"port {port} is taken" in second.line
        second.type("/orochi scale 5")
        second.message("scale worker01 to 5")
        assert all("scale worker01 to 5" not in each["text"] for each in demo.messages())
        ends_well(second, signal.SIGHUP)


def test_an_external_redis_is_used_and_left_unchanged(redis_server: RedisServer) -> None:
    with Redis.from_url(redis_server.url) as client:
        client.set("another's", "1")
        before = set(client.keys())
        with DemoProcess(REDIS_URL=redis_server.url) as demo:
            demo.type("/orochi scale 2")
            demo.message("scale worker01 to 2")
            assert set(client.keys()) > before
            ends_well(demo, signal.SIGINT)
        assert set(client.keys()) == before


async def test_with_tokens_it_uses_the_real_workspace() -> None:
    async with SlackEmulator() as slack:
        tokens = {"SLACK_BOT_TOKEN": slack.tokens.bot, "SLACK_APP_TOKEN": slack.tokens.app}
        others = {"SLACK_API_URL": slack.base_url, "BOT_OPERATORS": "*"}
        with DemoProcess.launched(**tokens, **others) as demo:
            await asyncio.to_thread(demo.wait_for_line)
            assert "No page is served" in demo.line
            await slack.command("/orochi", "scale 2")
            await slack.wait_for_message(lambda m: "scale worker01 to 2" in m.text)
            assert await asyncio.to_thread(demo.end) == 0


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"REDIS_URL": "http://localhost"}, "REDIS_URL: must be like redis://"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN or SLACK_SIGNING_SECRET"),
        ({"BOT_COMMAND": "orochi"}, "BOT_COMMAND: must be a slash"),
        ({"BOT_LOG_LEVEL": "LOUD"}, "BOT_LOG_LEVEL: must be DEBUG"),
    ],
)
async def test_wrong_settings_are_reported(
    capsys: pytest.CaptureFixture[str], environ: dict[str, str], said: str
) -> None:
    code = await run(DemoOptions(port=0), environ)

    written = capsys.readouterr()
    assert (code, written.out) == (1, "")
    assert written.err.startswith("The demo cannot start: ")
    assert said in written.err


def test_a_docker_engine_that_does_not_answer_is_reported() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "playground", "--port", "0", "--swarm", "docker"],
        env={"PATH": os.environ["PATH"], "DOCKER_HOST": "unix:///nowhere.sock"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The demo cannot start: ")
    assert "/nowhere.sock" in done.stderr
    assert "Traceback" not in done.stderr

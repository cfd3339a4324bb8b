"""``drain``, ``activate`` and ``join`` with the whole bot on a real swarm."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import redis

from playground.slack import Message
from playground.slack.model import texts_within
from tests.desk import OPERATOR, STACK, Desk, finished, images, is_job, states
from tests.lab.waiting import wait_until

BOB = "U0BOB00001"
SECOND, THIRD = "photon-machine-02", "photon-machine-03"
MONITOR = ("--update-monitor", "1s")


async def node(desk: Desk, name: str) -> dict[str, Any]:
    """A node as the engine returns it."""
    nodes = await asyncio.to_thread(lambda: desk.lab.client().nodes(filters={"name": name}))
    found: dict[str, Any] = nodes[0]
    return found


async def containers(desk: Desk, name: str) -> int:
    """How many of the stack's containers run on a node, counted by its own engine."""

    def count() -> int:
        found = desk.lab.node(name).client().containers()
        return sum(any(STACK in each for each in one["Names"]) for one in found)

    return await asyncio.to_thread(count)


async def available(desk: Desk, name: str, word: str) -> None:
    """Change the availability of a node without the bot."""
    await desk.docker("node", "update", "--availability", word, name)


async def on_every_node(desk: Desk, name: str, running: int) -> None:
    """A global service of the stack whose tasks all run."""
    await desk.docker(
        "service", "create", "--quiet", "--detach", "--no-resolve-image", "--mode", "global",
        "--name", f"{STACK}_{name}", "--label", f"com.docker.stack.namespace={STACK}", *MONITOR,
        images.BUSY, "serve",
    )  # fmt: skip
    await asyncio.to_thread(desk.lab.wait_running, f"{STACK}_{name}", running)


async def living(desk: Desk, name: str, count: int) -> None:
    """Wait until a number of tasks run that will not be stopped; tasks of jobs also count."""

    def reached() -> bool:
        tasks = desk.lab.client().tasks(filters={"service": [name]})
        wanted = [t for t in tasks if t["DesiredState"] in {"running", "complete"}]
        return sum(bool(t["Status"]["State"] == "running") for t in wanted) == count

    await asyncio.to_thread(wait_until, reached, f"{count} running tasks of {name}")


def first_shown(message: Message) -> str:
    """The message as it was posted."""
    return "\n".join(texts_within(list(message.history[0].content.blocks)))


def verdict(message: Message) -> str:
    return str(message.payload["verdict"])


async def test_drain_moves_all_tasks_and_says_where_they_went(desk: Desk):
    """One message up to `converged`: no task is left there, each service runs in full elsewhere."""
    await desk.service("django", replicas=3, options=MONITOR)
    await desk.service("worker01", replicas=3, options=(*MONITOR, "--stop-grace-period", "2s"))
    before = await node(desk, SECOND)
    assert await containers(desk, SECOND) == 2
    message = await desk.job(f"drain {SECOND}")
    after = await node(desk, SECOND)
    assert verdict(message) == "converged"
    assert message.payload["action"] == "drain"
    assert message.payload["target"] == f"node:{SECOND}"
    assert (message.payload["running"], message.payload["desired"]) == (6, 6)
    assert await containers(desk, SECOND) == 0
    assert before["Spec"] | {"Availability": "drain"} == after["Spec"]
    shown = message.shown_text
    assert f"drain {SECOND}" in shown
    assert "2 of 2 tasks have left" in shown
    assert "orochi_django" in shown
    assert "photon-machine-01" in shown
    assert states(message)[-1] == "finished"
    jobs = [m for m in desk.slack.workspace.messages.values() if is_job(m)]
    assert len(jobs) == 1


async def test_drain_with_unplaceable_services_is_refused_and_with_yes_unschedulable(desk: Desk):
    """The service without a place is named with the reason before anything is changed.

    It is in the message from the beginning, and in the verdict.
    """
    here = f"node.hostname=={SECOND}"
    await desk.service("es01", options=(*MONITOR, "--constraint", here))
    await desk.service("django", replicas=2, options=MONITOR)
    answer = await desk.answer(f"drain {SECOND}")
    assert "`orochi_es01`: its task fits on no other node" in answer
    assert "constraint node.hostname" in answer
    assert f"`/orochi drain {SECOND} --yes`" in answer
    assert "othing was changed" in answer
    assert (await node(desk, SECOND))["Spec"]["Availability"] == "active"
    message = await desk.job(f"drain {SECOND} --yes")
    first = first_shown(message)
    assert "1 task moves to other nodes: `orochi_es01`." in first
    assert "⚠️ `orochi_es01`: its task fits on no other node" in first
    assert verdict(message) == "unschedulable"
    assert "no suitable node" in message.shown_text
    assert "orochi_es01" in message.shown_text
    assert await containers(desk, SECOND) == 0


async def test_drain_predicts_when_reservations_or_replicas_per_node_leave_no_room(desk: Desk):
    """The prediction matches what the swarm then does."""
    client = desk.lab.client()
    cores = await asyncio.to_thread(lambda: client.info()["NCPU"])
    spread = (*MONITOR, "--replicas-max-per-node", "1")
    await desk.service("web", replicas=3, options=spread)
    hungry = ("--reserve-cpu", str(cores * 0.6))
    await desk.service("dask", replicas=3, options=(*MONITOR, *hungry))
    answer = await desk.answer(f"drain {SECOND}")
    assert "`orochi_web`: its task fits on no other node (2 nodes: has its 1 of at most" in answer
    assert "`orochi_dask`: its task fits on no other node (2 nodes: needs" in answer
    message = await desk.job(f"drain {SECOND} --yes")
    unplaced = [
        raw["ServiceID"]
        for raw in await asyncio.to_thread(client.tasks)
        if raw["Status"]["State"] == "pending"
    ]
    names = {s["ID"]: s["Spec"]["Name"] for s in await asyncio.to_thread(client.services)}
    assert verdict(message) == "unschedulable"
    assert sorted(names[each] for each in unplaced) == ["orochi_dask", "orochi_web"]


async def test_a_drain_waits_for_a_job_task_that_is_not_moved(desk: Desk):
    """The message says before and during the drain that the task is not moved."""
    await desk.docker(
        "service", "create", "--quiet", "--detach", "--no-resolve-image", "--mode",
        "replicated-job", "--replicas", "3", "--name", f"{STACK}_migrate", "--label",
        f"com.docker.stack.namespace={STACK}", images.BUSY, "crash", "8", "0",
    )  # fmt: skip
    await living(desk, f"{STACK}_migrate", 3)
    message = await desk.job(f"drain {SECOND}")
    assert "Jobs whose task stays here until it ends: `orochi_migrate`" in first_shown(message)
    shown = "\n".join("\n".join(texts_within(list(e.content.blocks))) for e in message.edits)
    assert "job task, stays until it ends" in shown
    assert verdict(message) == "converged"
    assert "1 of 1 task has left" in message.shown_text
    assert await containers(desk, SECOND) == 0


async def test_drain_of_a_drained_node_says_so_and_verifies(desk: Desk):
    """No update is made, but there is a verdict; global services end there."""
    await on_every_node(desk, "agent", 3)
    await available(desk, THIRD, "drain")
    before = (await node(desk, THIRD))["Version"]["Index"]
    message = await desk.job(f"drain {THIRD}")
    assert verdict(message) == "converged"
    assert "Already drained" in message.shown_text
    assert (await node(desk, THIRD))["Version"]["Index"] == before


async def test_the_last_active_node_is_not_drained(desk: Desk):
    """An unknown node is refused too: each reply says what would be right, and nothing changes."""
    await available(desk, SECOND, "drain")
    await available(desk, THIRD, "pause")
    answer = await desk.answer("drain photon-machine-01")
    assert "last node that takes tasks" in answer
    assert "othing was changed" in answer
    assert (await node(desk, "photon-machine-01"))["Spec"]["Availability"] == "active"
    assert "or `photon-machine-02`?" in await desk.answer("drain photon-machine-20")
    assert "operator" in await desk.answer(f"drain {SECOND}", user=BOB)
    assert not [m for m in desk.slack.workspace.messages.values() if is_job(m)]


async def test_activate_brings_global_tasks_back(desk: Desk):
    """The node is named by a prefix of its id; the global service runs there again."""
    await available(desk, SECOND, "drain")
    await on_every_node(desk, "agent", 2)
    found = await node(desk, SECOND)
    message = await desk.job(f"activate {found['ID'][:10]}")
    assert verdict(message) == "converged"
    assert message.payload["target"] == f"node:{SECOND}"
    assert "orochi_agent" in message.shown_text
    assert "Running tasks are not moved back." in message.shown_text
    assert await containers(desk, SECOND) == 1
    again = await desk.job(f"activate {SECOND}")
    assert "Already active" in again.shown_text


async def test_activating_a_node_that_is_down_fails(desk: Desk):
    """The node is active, but no tasks start there."""
    await available(desk, THIRD, "drain")
    await asyncio.to_thread(desk.lab.stop_node, desk.lab.node(THIRD))
    await asyncio.to_thread(desk.lab.wait_node_state, desk.lab.node(THIRD), "down")
    message = await desk.job(f"activate {THIRD}", seconds=60)
    assert verdict(message) == "failed"
    assert "Active but down" in message.shown_text


async def test_a_node_activated_during_its_drain_supersedes_it(desk: Desk):
    """The drain is superseded, whatever its services do."""
    await desk.service("stuck", "stubborn", replicas=3, options=("--stop-grace-period", "30s"))
    await desk.type(f"drain {SECOND}")

    def drained() -> bool:
        (raw,) = desk.lab.client().nodes(filters={"name": SECOND})
        return bool(raw["Spec"]["Availability"] == "drain")

    await asyncio.to_thread(wait_until, drained, "the drain", seconds=20)
    await desk.slack.wait_for_message(lambda m: is_job(m) and "have left" in m.shown_text)
    await available(desk, SECOND, "active")
    message = await desk.slack.wait_for_message(finished, timeout=30)
    assert verdict(message) == "superseded"
    assert "Someone else activated it" in message.shown_text


async def test_stop_waiting_leaves_the_node_drained(desk: Desk):
    """After the button *Stop waiting* the node stays drained, and the message says so."""
    await desk.service("stuck", "stubborn", replicas=3, options=("--stop-grace-period", "30s"))
    await desk.type(f"drain {SECOND}")
    message = await desk.slack.wait_for_message(lambda m: is_job(m) and "have left" in m.shown_text)
    assert "orochi_stuck." in message.shown_text
    await desk.slack.press(message, "job.cancel", user=OPERATOR)
    message = await desk.slack.wait_for_message(finished, timeout=30)
    assert verdict(message) == "cancelled"
    assert "the node stays drained" in message.shown_text
    assert (await node(desk, SECOND))["Spec"]["Availability"] == "drain"


async def test_a_drain_continues_when_its_worker_is_killed(empty_desk: Desk):
    """Another replica takes over in the same message; the node is updated once."""
    desk = empty_desk
    first = await desk.start_bot()
    await desk.service("django", replicas=3, options=(*MONITOR, "--stop-grace-period", "5s"))
    await desk.service("stuck", "stubborn", replicas=3, options=("--stop-grace-period", "6s"))
    before = (await node(desk, SECOND))["Version"]["Index"]
    await desk.type(f"drain {SECOND}")
    await desk.slack.wait_for_message(lambda m: is_job(m) and "have left" in m.shown_text)
    await first.kill()
    await desk.start_bot()
    message = await desk.slack.wait_for_message(finished, timeout=60)
    assert verdict(message) == "converged"
    assert "already" not in message.shown_text
    assert len([m for m in desk.slack.workspace.messages.values() if is_job(m)]) == 1
    after = await node(desk, SECOND)
    assert after["Spec"]["Availability"] == "drain"
    assert after["Version"]["Index"] > before


async def test_a_crash_after_the_move_is_the_services_verdict(desk: Desk):
    """The service that cannot run elsewhere is reported with the cause, as after a scale."""
    script = f'[ "$NODE" = {SECOND} ] && exec serve; exit 3'
    options = (*MONITOR, "--env", "NODE={{.Node.Hostname}}", "--restart-delay", "500ms")
    prefer = ("--constraint", f"node.hostname=={SECOND}")
    await desk.service("picky", "sh", "-c", script, options=(*options, *prefer))
    await desk.docker(
        "service", "update", "--detach", "--no-resolve-image",
        "--constraint-rm", prefer[1], "orochi_picky",
    )  # fmt: skip
    message = await desk.job(f"drain {SECOND}")
    assert verdict(message) == "crash_looping"
    assert "exit 3" in message.shown_text


async def test_a_join_command_is_shown_to_one_operator_and_stored_nowhere(desk: Desk):
    """The command is in no log, channel or Redis; the audit log has the requester."""
    answer = await desk.answer("join worker")
    tokens = await asyncio.to_thread(lambda: desk.lab.client().inspect_swarm()["JoinTokens"])
    address = f"{desk.lab.node(1).address}:2377"
    assert f"docker swarm join --token {tokens['Worker']} {address}" in answer
    assert tokens["Manager"] not in answer
    assert "operator" in await desk.answer("join manager", user=BOB)
    others = [m for m in desk.slack.workspace.ephemerals if m.only_for != OPERATOR]
    told = [*others, *desk.slack.workspace.messages.values()]
    assert not any("SWMTKN" in m.shown_text for m in told)
    assert not any("SWMTKN" in line for bot in desk.bots for line in bot.lines)
    assert b"SWMTKN" not in await asyncio.to_thread(ever_in_redis, desk)
    asked = {"event": "join", "who": OPERATOR, "text": "join worker", "target": "worker"}
    assert asked in await asyncio.to_thread(audited, desk)


async def test_a_rotation_asks_first_and_revokes_the_old_token(desk: Desk):
    """The command asks; the button rotates and shows the new token; a second click is refused."""
    before = await asyncio.to_thread(lambda: desk.lab.client().inspect_swarm())
    old = before["JoinTokens"]
    assert "old one" in await desk.answer("join rotate worker")
    same = await asyncio.to_thread(lambda: desk.lab.client().inspect_swarm()["JoinTokens"])
    assert same == old
    question = desk.slack.workspace.shown_to(OPERATOR)[-1]
    assert "SWMTKN" not in question.shown_text
    await desk.slack.press(question, "join.rotate", user=OPERATOR)
    shown = await desk.told(lambda m: "SWMTKN" in m.shown_text)
    after = await asyncio.to_thread(lambda: desk.lab.client().inspect_swarm())
    new = after["JoinTokens"]
    assert after["Spec"] == before["Spec"]
    assert new["Worker"] != old["Worker"]
    assert new["Manager"] == old["Manager"]
    assert f"--token {new['Worker']} " in shown.shown_text
    assert "no longer works" in shown.shown_text
    await desk.slack.press(question, "join.rotate", user=OPERATOR)
    await desk.told(lambda m: "just rotated that token" in m.shown_text)
    assert b"SWMTKN" not in await asyncio.to_thread(ever_in_redis, desk)
    assert not any("SWMTKN" in line for bot in desk.bots for line in bot.lines)
    assert "join_rotate" in [each["event"] for each in await asyncio.to_thread(audited, desk)]
    last = await asyncio.to_thread(lambda: desk.lab.client().inspect_swarm()["JoinTokens"])
    assert last == new


def ever_in_redis(desk: Desk) -> bytes:
    """Everything that was ever written to Redis: its append-only files."""
    with redis.Redis.from_url(desk.redis.url, decode_responses=True) as client:
        folder = Path(client.config_get("dir")["dir"])
        name = client.config_get("appenddirname")["appenddirname"]
    return b"".join(path.read_bytes() for path in sorted((folder / name).iterdir()))


def audited(desk: Desk) -> list[dict[str, str]]:
    """The entries of the audit log, oldest first."""
    with redis.Redis.from_url(desk.redis.url, decode_responses=True) as client:
        rows = client.xrange("orochi:audit")
    return [fields for _, fields in rows]

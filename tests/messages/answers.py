"""What commands that only read are answered with, and `join`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bot.domain.commands.table import COMMANDS
from bot.domain.commands.values import Defaults, Help, Join, ReadLogs, RotateToken, ShowMap
from bot.domain.errors import ChatUnavailableError
from bot.domain.swarm.model import Look, Service, StackLook, TaskState
from bot.domain.swarm.reachability import Reach
from bot.domain.swarm.service_log import LogLine, ServiceLog
from bot.domain.swarm.volumes import ClusterState, LiveVolume, VolumeMount, volumes_of
from bot.domain.text.message import Message
from bot.jobs.file_answer import table_message
from bot.ports import Request, Upload
from bot.ports.engine import JoinTokens
from bot.slack.errors import refusal as slack_refusal
from bot.views.help import help_message
from bot.views.slack.table import WideTable
from bot.views.status.every_stack import every_stack_message
from bot.views.status.footer import FooterFacts
from bot.views.status.node import node_message
from bot.views.status.nodes import nodes_message
from bot.views.status.stack import service_status_message, status_message
from bot.views.status.tasks import tasks_message
from bot.views.status.volumes import volumes_message
from bot.views.status.wide import node_table, task_table
from handlers.join import JoinHandler
from handlers.logs import ReadLogsHandler as LogsHandler
from handlers.map import ShowMapHandler as MapHandler
from tests.messages.job_kit import scaling
from tests.messages.sample import (
    ANN,
    ASKER,
    AT,
    CHANNEL,
    COMMAND,
    Sample,
    Topic,
    answer,
    context,
    port,
    shortened,
)
from tests.messages.swarm import (
    DJANGO,
    MIGRATE,
    N1,
    NODES,
    WORKER,
    a_service,
    a_task,
    running,
    whole_stack,
)

DEFAULTS = Defaults(COMMAND, "worker01", 100)
AROUND = FooterFacts(feed="push", command=COMMAND)
TOKEN = "SWMTKN-1-XXXXXXXX"
ALONE = "Visible only to the person who asked."


def topics() -> tuple[Topic, ...]:
    """The answers by what they are about."""
    looking = (*_tasks(), *_logs(), *_nodes(), *_volumes(), *_map())
    return (
        Topic("Help", ALONE, tuple(_help())),
        Topic("Status", ALONE, tuple(_status())),
        Topic("Tasks, logs, nodes, volumes, map", f"{ALONE} The map goes to the channel.", looking),
        Topic("Join", "Visible only to the operator who asked.", tuple(_join())),
    )


def _help() -> Iterator[Sample]:
    yield Sample("`/orochi help`", help_message(Help(), DEFAULTS))
    for row in COMMANDS:
        yield Sample(f"`/orochi help {row.name}`", help_message(Help(row.name), DEFAULTS))


def _status() -> Iterator[Sample]:
    well, ill = whole_stack(healthy=True), whole_stack(healthy=False)
    by_name = {service.short_name: service for service in ill.services}
    busy = replace(AROUND, jobs=(scaling(),))
    trouble = "The engine ended the stream of changes."
    late = replace(AROUND, jobs=None, feed="poll", feed_lag=42.0, feed_trouble=trouble)
    yield Sample("`/orochi status`: all is well", status_message(well, AROUND))
    yield Sample("`/orochi status`: trouble of every kind, and a job", status_message(ill, busy))
    yield Sample("`/orochi status`: Redis is away, changes come late", status_message(_one(), late))
    yield Sample("`/orochi status`: no such stack", status_message(_none("orochi"), AROUND))
    gone = status_message(_none("shop"), AROUND, "/orochi rollback shop/")
    yield Sample("`/orochi status shop/`: a stack that was removed", gone)
    yield Sample("`/orochi status`: no services at all", status_message(_none(""), AROUND))
    every = every_stack_message(_several(ill), busy, ("orochi", "wiki"))
    yield Sample("`/orochi status --all`", every)
    nothing = every_stack_message(_none(""), AROUND, ())
    yield Sample("`/orochi status --all`: no services at all", nothing)
    for title, name in (
        ("out of memory, and no place", "worker01"),
        ("an update that is paused", "django"),
        ("an update under way", "es01"),
        ("a node that is down", "exporter"),
        ("scaled to 0", "flower"),
    ):
        message = service_status_message(ill, by_name[name], busy)
        yield Sample(f"`/orochi status {name}`: {title}", message)
    yield Sample("`/orochi status django`: healthy", service_status_message(well, DJANGO, AROUND))
    yield Sample("`/orochi status migrate`: a job", _status_of(MIGRATE, *_half_done()))
    pinned = a_service("es01", 1, constraints=("node.labels.disk==ssd",))
    yield Sample("`/orochi status es01`: no task at all", _status_of(pinned))


def _several(look: StackLook) -> StackLook:
    """The stack's look, with a healthy stack and a service of none."""
    shop, proxy = (
        replace(DJANGO, id=name, name=name, stack=stack)
        for name, stack in (("shop_web", "shop"), ("proxy", ""))
    )
    tasks = (*look.tasks, *running(shop, 1, 2), *running(proxy, 1, 2))
    return replace(look, stack="", services=(*look.services, shop, proxy), tasks=tasks)


def _one() -> StackLook:
    return StackLook(AT, "orochi", (DJANGO,), running(DJANGO, 1, 2), NODES)


def _none(stack: str) -> StackLook:
    return StackLook(AT, stack, (), (), NODES)


def _half_done() -> tuple[Any, ...]:
    ends = TaskState.COMPLETE
    return (
        a_task(MIGRATE, 1, ends, desired=ends, exit_code=0),
        a_task(MIGRATE, 2, desired=ends),
    )


def _status_of(service: Service, *tasks: Any) -> Message:
    look = StackLook(AT, "orochi", (service,), tasks, NODES)
    return service_status_message(look, service, AROUND)


def _tasks() -> Iterator[Sample]:
    ill = whole_stack(healthy=False)
    many = StackLook(AT, "orochi", (WORKER,), running(WORKER, *range(1, 160)), NODES)
    yield Sample("`/orochi ps`", tasks_message(ill))
    yield Sample("`/orochi ps worker01`", tasks_message(ill, WORKER))
    yield Sample(
        "`/orochi ps es01`: its tasks do not exist", tasks_message(_one(), a_service("es01"))
    )
    yield Sample("`/orochi ps es01`: scaled to 0", tasks_message(_one(), a_service("es01", 0)))
    yield Sample("`/orochi ps`: many", tasks_message(many))
    yield Sample("`/orochi ps`: the same failures again and again", tasks_message(_failing()))
    yield Sample("`/orochi ps --wide`", _wide(task_table(ill)))
    yield Sample(
        "`/orochi ps --wide`: Slack refuses the table", _wide(task_table(ill), refused=True)
    )
    yield Sample("`/orochi ps --wide`: too large for a message", _wide(task_table(many)))


def _failing() -> StackLook:
    """A volume that cannot be mounted, on two nodes."""
    err = "error while mounting volume '/var/lib/docker/volumes/es/_data': connection timed out"
    tries = [
        a_task(
            WORKER,
            n % 3 + 1,
            TaskState.REJECTED,
            node=(N1, NODES[1].id)[n % 2],
            since=AT - 120 - 60 * n,
            err=err,
            id=f"w{n}",
        )
        for n in range(10)
    ]
    return StackLook(AT, "orochi", (WORKER, DJANGO), (*tries, *running(DJANGO, 1, 2)), NODES)


def _wide(table: WideTable, *, refused: bool = False) -> Message:
    """What `--wide` answers, or what is sent if Slack refuses the table block."""
    made = answer(table_message(context(chat=port(send_file=None)), ANN, table, "tasks"))
    return answer(made.otherwise()) if refused and made.otherwise else made


def _logs() -> Iterator[Sample]:
    missing = "The log of photon-machine-03 is missing: the node is down."
    yield Sample("`/orochi logs worker01`", _log(3))
    yield Sample("`/orochi logs worker01 --since 10m`: part", _log(3, since=600, trouble=missing))
    yield Sample("`/orochi logs worker01 --since 10m`: none", _log(0, since=600))
    yield Sample("`/orochi logs worker01 --lines 1000`: as a file", shortened(_log(400)))
    lost = ChatUnavailableError("Slack did not answer files.upload.")
    yield Sample("`/orochi logs worker01`: no file, Slack is away", shortened(_log(400, sent=lost)))
    scope = slack_refusal("files.getUploadURLExternal", "missing_scope", needed="files:write")
    yield Sample(
        "`/orochi logs worker01`: no file, a scope is missing", shortened(_log(400, sent=scope))
    )
    yield Sample("`/orochi logs worker01`: one endless line", shortened(_log(3, long=9500)))
    yield Sample("`/orochi logs worker01.1`", _log(2, place="1", slots=(1, 1)))
    yield Sample("`/orochi logs worker01.9`: no such slot", _log(2, place="9"))
    yield Sample("`/orochi logs worker01 --grep mail`", _log(400, grep="mail", keep=6))
    yield Sample("`/orochi logs worker01 --grep KeyError`: none", _log(400, grep="KeyError"))


def _log(
    count: int,
    *,
    since: int = 0,
    trouble: str = "",
    sent: Exception | None = None,
    long: int = 0,
    place: str = "",
    grep: str = "",
    slots: tuple[int, int] = (1, 2),
    keep: int = 0,
) -> Message:
    """What `logs` answers for a log of so many lines; ``keep`` of them are about mail."""
    tasks = running(WORKER, 1, 2)
    writers = [tasks[slot - 1] for slot in slots]
    texts = ["GET /health 200 " + "x" * long, "Task shop.mail[7] succeeded in 0.2 s"]
    lines = tuple(
        LogLine(AT + n, writers[n % 2].id, writers[n % 2].node_id, texts[n < keep or n % 2])
        for n in range(count)
        if not keep or n < keep or n % 2 == 0
    )
    looks = port(services=(WORKER,))
    swarm = port(service=WORKER, look=Look(AT, WORKER, tasks, NODES))
    logs, chat = port(service_log=ServiceLog(lines, trouble)), port(send_file=sent)
    handler = LogsHandler(context(looks=looks, swarm=swarm, logs=logs, chat=chat))
    command = ReadLogs("worker01", since, place=place, grep=grep)
    return answer(handler.answer(command, ASKER), unchanged=False)


def _nodes() -> Iterator[Sample]:
    ill = whole_stack(healthy=False)
    yield Sample("`/orochi nodes`", nodes_message(ill.nodes, ill.tasks, N1))
    yield Sample("`/orochi nodes --wide`", _wide(node_table(ill.nodes, ill.tasks, N1)))
    for node in ill.nodes[:2]:
        shown = node_message(ill, node, N1, "orochi", COMMAND)
        yield Sample(f"`/orochi nodes m-{node.hostname[-2:]}`", shown)


def _volumes() -> Iterator[Sample]:
    node = "photon-machine-01"
    yield Sample("`/orochi volumes`: none", volumes_message("orochi", (), {}, node))
    nfs = {"type": "nfs", "o": "addr={},rw", "device": ":/export/{}"}
    mounts, answers = [], {}
    for number, (name, reach) in enumerate({"data": Reach.ANSWERS, **_reaches()}.items()):
        host = f"nfs{number}.internal"
        options = {
            key: value.format(host if "addr" in value else name) for key, value in nfs.items()
        }
        mounts.append(VolumeMount(f"orochi_{name}", "orochi_es01", f"/{name}", options=options))
        answers[host, 2049] = reach
    todo = {"type": "nfs", "o": "addr=<NFS_SERVER_IP>", "device": ":/export"}
    mounts.append(VolumeMount("orochi_todo", "orochi_django", "/todo", options=todo))
    mounts.append(VolumeMount("orochi_nobody", "orochi_django", "/nobody", options={"type": "nfs"}))
    mounts.append(VolumeMount("orochi_static", "orochi_django", "/srv/static", read_only=True))
    mounts.append(VolumeMount("orochi_other", "orochi_django", "/other", options={"size": "2g"}))
    mounts.append(VolumeMount("orochi_media", "orochi_django", "/media", cluster=True))
    live = {
        "orochi_other": LiveVolume("orochi_other", "local", {"size": "1g"}),
        "cluster/orochi_media": LiveVolume(
            "orochi_media", "csi-nfs", {}, ClusterState("", "active", created=False)
        ),
    }
    volumes = volumes_of(mounts, live)
    yield Sample("`/orochi volumes`", volumes_message("orochi", volumes, answers, node))
    trouble = "The Docker engine at unix:///var/run/docker.sock did not answer within 5 s."
    few = tuple(each for each in volumes if each.name == "orochi_static")
    message = volumes_message("orochi", few, {}, node, trouble)
    yield Sample("`/orochi volumes`: the engine does not answer", message)


def _reaches() -> dict[str, Reach]:
    return {reach.value: reach for reach in Reach if reach is not Reach.ANSWERS}


def _map() -> Iterator[Sample]:
    shared: list[Upload] = []

    async def share(_channel: str, upload: Upload, *_thread: str) -> str:
        shared.append(upload)
        return ""

    chat = port()
    chat.share = share
    looks, drawing = port(stack_look=whole_stack(healthy=False)), port(png=b"")
    request = Request(user=ANN, channel=CHANNEL, key="k", text="map")
    incidents = port(open_incidents=())
    handler = MapHandler(context(looks=looks, drawing=drawing, chat=chat, incidents=incidents))

    async def show() -> Message:
        await handler.show(ShowMap(), request)
        return Message(shared[0].said)

    yield Sample("`/orochi map`: what is said beside the picture, in the channel", answer(show()))


def _join() -> Iterator[Sample]:
    addresses = ("192.0.2.11:2377", "192.0.2.12:2377")
    tokens = JoinTokens({"worker": TOKEN, "manager": TOKEN}, addresses)
    ctx = context(nodes=port(join_tokens=tokens, rotate_token=None), jobs=port(audit=None))
    handler = JoinHandler(ctx)
    yield Sample("`/orochi join worker`", answer(handler.answer(Join("worker"), ASKER)))
    asked = answer(handler.answer(Join("manager", rotate=True), ASKER))
    yield Sample("`/orochi join rotate manager`: the question", asked)
    rotated = answer(handler.rotate(RotateToken("manager:x"), ASKER))
    yield Sample("`/orochi join rotate manager`: rotated", rotated)

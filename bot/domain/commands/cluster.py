"""Commands that show tasks, logs, nodes and volumes, and those that change nodes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands import cluster_arguments
from bot.domain.commands.arguments import no_arguments, one_stack
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.values import (
    Activate,
    Command,
    Defaults,
    Drain,
    Join,
    ListNodes,
    ListTasks,
    ListVolumes,
    ReadLogs,
    Reply,
    ShowMap,
)


def _volumes(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    found = one_stack("volumes", words, defaults)
    return found if isinstance(found, Reply) else ListVolumes(found)


def _map(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    return no_arguments("map", words, defaults) or ShowMap()


LOOKING: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="ps",
        command=ListTasks,
        usage="ps [SERVICE | STACK] [--wide]",
        summary="All tasks: what runs or should run, trouble first; then earlier failures.",
        examples=(
            ("ps", "tasks of the channel's stack"),
            ("ps django", "tasks of `django`, slot by slot"),
            ("ps --wide", "the table of `docker stack ps`"),
        ),
        changes=False,
        parse=cluster_arguments.tasks,
        also=("tasks", "top", "containers"),
        notes=(
            "Equal failures are one line with their number, and so are many running tasks.",
            "Node names are shortened as far as commands accept them: `nodes m-02`.",
            "`--wide` sends the table as a file if it is too large for a message.",
        ),
    ),
    CommandSpec(
        name="logs",
        command=ReadLogs,
        usage="logs SERVICE[.SLOT] [--since 10m] [--lines 200] [--grep WORD]",
        summary="The latest log lines from all tasks of a service, in time order.",
        examples=(
            ("logs django", "the last 200 lines"),
            (
                "logs worker01 --since 10m --lines 1000",
                "up to 1000 lines from the last ten minutes",
            ),
            ("logs worker01.2 --grep error", "lines of slot 2 with that text"),
        ),
        changes=False,
        parse=cluster_arguments.logs,
        also=("log", "tail", "journal"),
        notes=(
            (
                "Each line shows its time (UTC), slot and node. If it is"
                " too long for a message, the bot sends you the whole as a file in a direct"
                " message."
            ),
            (
                "`--grep` takes a word or several, in capital or small letters, and searches the"
                " last 2000 lines, or as many as `--lines` says."
            ),
            "A global service has nodes in place of slots: `logs exporter.m-02`.",
            "Values that look secret (passwords, tokens, logins in URLs) are masked.",
        ),
        keeps_colons=True,
    ),
    CommandSpec(
        name="nodes",
        command=ListNodes,
        usage="nodes [NODE | --wide]",
        summary="All nodes: state, tasks and free resources; or one in detail.",
        examples=(
            ("nodes", "the list"),
            ("nodes m-02", "`photon-machine-02`, with its tasks and what fails there"),
            ("nodes --wide", "the table of `docker node ls`"),
        ),
        changes=False,
        parse=cluster_arguments.nodes,
        also=("node", "hosts", "machines", "members"),
        notes=(
            "Free means not reserved by any task, as the scheduler counts it; not actual usage.",
            "Engines whose version differs from most others are named.",
        ),
    ),
    CommandSpec(
        name="map",
        command=ShowMap,
        usage="map",
        summary="A picture of the swarm in the channel: every node with its tasks.",
        examples=(("map", "the picture"),),
        changes=False,
        parse=_map,
        also=("picture", "visualize", "visualizer", "topology"),
        notes=(
            "Nodes are columns, tasks are tiles with their service, slot and state.",
            (
                "Managers are dark, down nodes are hatched, drained nodes are dotted. The message"
                " also describes the picture in a sentence."
            ),
        ),
    ),
    CommandSpec(
        name="volumes",
        command=ListVolumes,
        usage="volumes [STACK]",
        summary="A stack's volumes, what uses them, and whether their NFS servers answer.",
        examples=(
            ("volumes", "the volumes of the channel's stack"),
            ("volumes shop", "those of the stack `shop`"),
        ),
        changes=False,
        parse=_volumes,
        also=("volume", "mounts", "nfs", "storage"),
        notes=(
            (
                "The bot tries each server now, for at most two seconds, on TCP port 2049 or the"
                " port in the volume's options."
            ),
            "Actual volumes are visible only on the bot's own node.",
        ),
    ),
)

NODES: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="drain",
        command=Drain,
        usage="drain NODE [--yes]",
        summary="Move all tasks off a node and follow them until they run elsewhere.",
        examples=(
            ("drain photon-machine-02", "a node by its hostname or id"),
            ("drain photon-machine-02 --yes", "even if tasks fit on no other node"),
        ),
        changes=True,
        parse=cluster_arguments.drain,
        also=("evacuate", "cordon", "empty"),
        notes=(
            "One message shows the remaining tasks and where the others go.",
            "Converged when nothing runs there and every service is fully running elsewhere.",
            (
                "If tasks fit on no other node, it says which and why, and changes nothing;"
                " `--yes` drains anyway."
            ),
            "The last node that takes tasks cannot be drained.",
        ),
    ),
    CommandSpec(
        name="activate",
        command=Activate,
        usage="activate NODE",
        summary="Let a node take tasks again.",
        examples=(("activate photon-machine-02", "a node by its hostname or id"),),
        changes=True,
        parse=cluster_arguments.activate,
        also=("uncordon", "undrain", "enable"),
        notes=(
            (
                "Global services and pending tasks start there at once. Running tasks stay where"
                " they are; `restart SERVICE` spreads a service again."
            ),
        ),
    ),
    CommandSpec(
        name="join",
        command=Join,
        usage="join [rotate] ROLE",
        summary="The command to join a worker or manager. Only you see it.",
        examples=(
            ("join worker", "join a worker"),
            ("join rotate manager", "replace the manager token, after asking"),
        ),
        changes=True,
        parse=cluster_arguments.join,
        also=("token", "tokens", "add"),
        notes=(
            (
                "Keep tokens secret: a manager token gives full control of the swarm. Requests are"
                " recorded in the audit log."
            ),
            "After a rotation the old token no longer works; current nodes are unaffected.",
        ),
    ),
)

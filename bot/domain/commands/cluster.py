"""The commands that look at tasks, logs, nodes and volumes, and those that change nodes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands import cluster_arguments
from bot.domain.commands.arguments import no_arguments
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


def _nodes(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    return no_arguments("nodes", words, defaults) or ListNodes()


def _volumes(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    return no_arguments("volumes", words, defaults) or ListVolumes()


def _map(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    return no_arguments("map", words, defaults) or ShowMap()


LOOKING: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="ps",
        command=ListTasks,
        usage="ps [SERVICE]",
        summary="The tasks as `docker stack ps` lists them, failed ones first.",
        examples=(("ps", "those of the whole stack"), ("ps django", "those of `django`")),
        changes=False,
        parse=cluster_arguments.tasks,
        also=("tasks", "top", "containers"),
        notes=("What finds no room in one message is counted at its end.",),
    ),
    CommandSpec(
        name="logs",
        command=ReadLogs,
        usage="logs SERVICE [--since 10m] [--lines 200]",
        summary="The last log lines of all tasks of a service, in the order of time.",
        examples=(
            ("logs django", "the last 200 lines"),
            ("logs worker01 --since 10m --lines 1000", "up to 1000 of the last ten minutes"),
        ),
        changes=False,
        parse=cluster_arguments.logs,
        also=("log", "tail", "journal"),
        notes=(
            (
                "Each line says which slot wrote it on which node. Only you see the answer; what is"
                " too long for a message comes as a file in a direct message from the bot."
            ),
            "Values that look secret (passwords, tokens, logins in URLs) are masked.",
        ),
    ),
    CommandSpec(
        name="nodes",
        command=ListNodes,
        usage="nodes",
        summary="The nodes with their state, role, engine, tasks and what is free on them.",
        examples=(("nodes", "the list"),),
        changes=False,
        parse=_nodes,
        also=("node", "hosts", "machines", "members"),
        notes=(
            "Free is what no task has reserved: what the scheduler counts with, not what is used.",
            "An engine of another version than most is marked with `!`.",
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
                "Managers are dark, nodes that are down are hatched, drained ones dotted. The"
                " message says in a sentence what the picture shows."
            ),
        ),
    ),
    CommandSpec(
        name="volumes",
        command=ListVolumes,
        usage="volumes",
        summary="The stack's volumes, who uses them, and whether their NFS servers answer.",
        examples=(("volumes", "the list"),),
        changes=False,
        parse=_volumes,
        also=("volume", "mounts", "nfs", "storage"),
        notes=(
            (
                "Servers are asked now, from the bot, for two seconds at most: TCP port 2049, or"
                " the one that the volume's options name."
            ),
            "What an engine made of a volume can be seen on the bot's own node only.",
        ),
    ),
)

NODES: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="drain",
        command=Drain,
        usage="drain NODE [--yes]",
        summary="Move all tasks away from a node, and watch until they run elsewhere.",
        examples=(
            ("drain photon-machine-02", "that node, by its hostname or id"),
            ("drain photon-machine-02 --yes", "also when tasks find no other node"),
        ),
        changes=True,
        parse=cluster_arguments.drain,
        also=("evacuate", "cordon", "empty"),
        notes=(
            "One message shows which tasks are left and where the others go.",
            "Converged when nothing runs there and each service runs in full elsewhere.",
            (
                "Where tasks would find no other node it says which and why, and changes nothing;"
                " `--yes` drains all the same."
            ),
            "The last node that takes tasks is not drained.",
        ),
    ),
    CommandSpec(
        name="activate",
        command=Activate,
        usage="activate NODE",
        summary="Let a node take tasks again.",
        examples=(("activate photon-machine-02", "that node, by its hostname or id"),),
        changes=True,
        parse=cluster_arguments.activate,
        also=("uncordon", "undrain", "enable"),
        notes=(
            (
                "Tasks of global services start there at once, and those that waited for a place."
                " Running tasks stay where they are: `restart SERVICE` spreads a service anew."
            ),
        ),
    ),
    CommandSpec(
        name="join",
        command=Join,
        usage="join [rotate] ROLE",
        summary="The command by which a worker or a manager joins the swarm, for you alone.",
        examples=(
            ("join worker", "how a worker joins"),
            ("join rotate manager", "another token for managers, after a question"),
        ),
        changes=True,
        parse=cluster_arguments.join,
        also=("token", "tokens", "add"),
        notes=(
            (
                "The token is a secret: with a manager's one takes the swarm over. Who asked stands"
                " in the audit log."
            ),
            "After a rotation nobody joins with the old token; nodes that joined stay.",
        ),
    ),
)

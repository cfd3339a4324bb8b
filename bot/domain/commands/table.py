"""The commands there are: one table that drives the parser, ``help`` and ``help COMMAND``.

A command stands here if, and only if, it works: what is missing here is never offered.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands import arguments
from bot.domain.commands.cluster import LOOKING, NODES
from bot.domain.commands.names import alike, job_id
from bot.domain.commands.spec import CommandSpec
from bot.domain.commands.stacks import STACKS
from bot.domain.commands.values import (
    Activate,
    Cancel,
    Command,
    Defaults,
    Deploy,
    Drain,
    Help,
    Join,
    ListIncidents,
    ListJobs,
    ListNodes,
    ListStacks,
    ListTasks,
    ListVersions,
    ListVolumes,
    ReadLogs,
    Reply,
    Restart,
    RollBack,
    Scale,
    ScaleTarget,
    ShowMap,
    Status,
    as_text,
)
from bot.domain.commands.versions import VERSIONS
from bot.domain.text.escaping import quoted

COMMAND_LIKENESS = 0.7
"""Commands are short words: ``restart`` must not be taken for ``status``."""

__all__ = [
    "COMMANDS",
    "Activate",
    "Cancel",
    "Command",
    "CommandSpec",
    "Defaults",
    "Deploy",
    "Drain",
    "Help",
    "Join",
    "ListIncidents",
    "ListJobs",
    "ListNodes",
    "ListStacks",
    "ListTasks",
    "ListVersions",
    "ListVolumes",
    "ReadLogs",
    "Reply",
    "Restart",
    "RollBack",
    "Scale",
    "ScaleTarget",
    "ShowMap",
    "Status",
    "as_text",
    "resembling",
    "spec",
    "spec_of",
    "unknown_command",
]


def spec(word: str) -> CommandSpec | None:
    """The row of a command by its word; case makes no difference."""
    return next((row for row in COMMANDS if row.name == word.lower()), None)


def spec_of(command: Command) -> CommandSpec:
    """The row of a parsed command."""
    return next(row for row in COMMANDS if row.command is type(command))


def unknown_command(word: str, defaults: Defaults) -> Reply:
    """The answer to a word that is no command: the ones it looks like, or all there are."""
    right = " or ".join(arguments.example(defaults, row.name) for row in resembling(word))
    hint = f"Did you mean {right}?" if right else f"There are: {_all_words()}."
    return Reply(f"There is no command {quoted(word)}.", f"{hint} {_see_help(defaults)}")


def resembling(word: str) -> tuple[CommandSpec, ...]:
    """The commands that were perhaps meant by a word that is none, best first."""
    same = tuple(row for row in COMMANDS if word.lower() in row.also)
    close = alike(word, [row.name for row in COMMANDS], 2, likeness=COMMAND_LIKENESS)
    return same or tuple(row for name in close for row in COMMANDS if row.name == name)


def _all_words() -> str:
    return ", ".join(f"`{row.name}`" for row in COMMANDS)


def _see_help(defaults: Defaults) -> str:
    return f"{arguments.example(defaults, 'help')} tells them all."


def _restart(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    name = arguments.one_service("restart", "restarted", words, defaults)
    return name if isinstance(name, Reply) else Restart(name)


def _rollback(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Nothing or ``--yes`` for the whole stack, else one service."""
    names = [word for word in words if word.lower() not in arguments.YES]
    if not names:
        return RollBack(yes=bool(words))
    if len(names) < len(words):
        right = f"Right: {arguments.example(defaults, f'rollback {names[0]}')}"
        return Reply("`rollback` asks nothing where a service is named.", right)
    name = arguments.one_service("rollback", "rolled back", words, defaults)
    return name if isinstance(name, Reply) else RollBack(name)


def _status(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    if len(words) > 1:
        right = arguments.example(defaults, f"status {defaults.service}")
        return Reply(
            "`status` shows the whole stack, or one service at a time.",
            f"Right: {right} or {arguments.example(defaults, 'status')}",
        )
    if not words:
        return Status()
    name = arguments.service_name(words[0], defaults)
    return name if isinstance(name, Reply) else Status(name)


def _incidents(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    if len(words) > 1:
        right = arguments.example(defaults, f"incidents {defaults.service}")
        return Reply(
            "`incidents` lists those of all services, or of one.",
            f"Right: {right} or {arguments.example(defaults, 'incidents')}",
        )
    if not words:
        return ListIncidents()
    name = arguments.service_name(words[0], defaults)
    return name if isinstance(name, Reply) else ListIncidents(name)


def _jobs(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    return arguments.no_arguments("jobs", words, defaults) or ListJobs()


def _cancel(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    listed = f"{arguments.example(defaults, 'jobs')} lists the jobs with their ids."
    if not words:
        return Reply("Which job?", listed)
    if len(words) > 1:
        return Reply("`cancel` takes one job at a time.", listed)
    job = job_id(words[0])
    if not job:
        return Reply(
            f"{quoted(words[0])} is not the id of a job: six letters and digits, like `k3f9ab`.",
            listed,
        )
    return Cancel(job)


def _help(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    if not words:
        return Help()
    row = spec(words[0])
    return Help(row.name) if row else unknown_command(words[0], defaults)


COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec(
        name="scale",
        command=Scale,
        usage="scale [SERVICE] N",
        summary="Run N replicas of a service, and watch until that is true.",
        examples=(
            ("scale 5", "five replicas of the default service"),
            ("scale django 2", "two of `django`"),
            ("scale worker01=3 django=2", "two services as one job"),
        ),
        changes=True,
        parse=arguments.scale,
        also=("replicas", "set", "resize", "start"),
        notes=(
            "Without a service it is `{service}`. At most {max_replicas} replicas.",
            "N is the number that shall run in the end; 0 stops the service.",
            "One message follows the job to its verdict, with the cause where something fails.",
            "Jobs for one service run one after the other.",
        ),
    ),
    CommandSpec(
        name="restart",
        command=Restart,
        usage="restart SERVICE",
        summary="Replace every task of a service by a new one of the same version.",
        examples=(("restart django", "all tasks of `django`, as its update settings say"),),
        changes=True,
        parse=_restart,
        also=("reboot", "reload", "recreate", "bounce"),
        notes=(
            "Nothing of the service is changed; how many tasks go at a time is its own setting.",
            "Refused while an update is paused: it would resume the bad rollout.",
            "After it the swarm has no previous spec to roll back to: it keeps one.",
        ),
    ),
    CommandSpec(
        name="rollback",
        command=RollBack,
        usage="rollback [SERVICE] [--yes]",
        summary="Bring back the stack's last version that was well, or a service's previous one.",
        examples=(
            ("rollback", "the plan that brings the whole stack back"),
            ("rollback django", "`django` as it was before its last update"),
        ),
        changes=True,
        parse=_rollback,
        also=("undo", "revert", "back"),
        notes=(
            "The whole stack: its last version of other files that ended well, see `history`.",
            (
                "A service goes one version back, also while an update is under way or paused, and"
                " keeps the replicas that it has now."
            ),
            (
                "After a scale or a restart the swarm has no previous spec any more; then it comes"
                " out of the stack's versions, as far as the bot deployed them."
            ),
        ),
    ),
    *STACKS,
    CommandSpec(
        name="status",
        command=Status,
        usage="status [SERVICE]",
        summary="What runs where, what is not well, why and since when.",
        examples=(
            ("status", "the whole stack"),
            ("status django", "the tasks of `django`"),
        ),
        changes=False,
        parse=_status,
        also=("state", "show", "services", "info", "st"),
    ),
    *LOOKING,
    CommandSpec(
        name="jobs",
        command=ListJobs,
        usage="jobs",
        summary="The jobs under way and the last ones that finished.",
        examples=(("jobs", "the list"),),
        changes=False,
        parse=_jobs,
        also=("ls", "list", "queue"),
    ),
    CommandSpec(
        name="incidents",
        command=ListIncidents,
        usage="incidents [SERVICE]",
        summary="What fails now and what failed lately, why, how often, for how long.",
        examples=(
            ("incidents", "those of all services"),
            ("incidents django", "those of `django`"),
        ),
        changes=False,
        parse=_incidents,
        also=("alerts", "failures", "alarms"),
        notes=(
            "An incident is one service that fails for one cause, or one node that is down.",
            "It is resolved when all that is wanted has run for a while without a failure.",
        ),
    ),
    *VERSIONS,
    *NODES,
    CommandSpec(
        name="cancel",
        command=Cancel,
        usage="cancel JOB",
        summary="Stop waiting for a job, or take it out of the queue.",
        examples=(("cancel k3f9ab", "the job `k3f9ab`"),),
        changes=True,
        parse=_cancel,
        also=("stop", "abort", "kill"),
        notes=(
            "A number that was already set stays set; the job's message then offers to scale back.",
        ),
    ),
    CommandSpec(
        name="help",
        command=Help,
        usage="help [COMMAND]",
        summary="This list, or one command in full.",
        examples=(("help", "all commands"), ("help scale", "one of them")),
        changes=False,
        parse=_help,
        also=("usage", "man", "commands", "h"),
    ),
)

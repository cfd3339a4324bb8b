"""The command table; the parser, ``help`` and ``help COMMAND`` are all built from it.

A command is listed here if and only if it works: commands that are not listed are never offered.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.commands import arguments
from bot.domain.commands.cluster import LOOKING, NODES
from bot.domain.commands.images import IMAGES, LISTED
from bot.domain.commands.names import SLASH, alike, job_id
from bot.domain.commands.run import RUN
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
    ImageTarget,
    Join,
    ListImages,
    ListIncidents,
    ListJobs,
    ListNodes,
    ListStacks,
    ListTasks,
    ListVersions,
    ListVolumes,
    ReadLogs,
    Remove,
    Reply,
    Restart,
    Resume,
    RollBack,
    Run,
    Scale,
    ScaleTarget,
    ShowMap,
    Status,
    Update,
    as_text,
)
from bot.domain.commands.versions import VERSIONS
from bot.domain.text.escaping import quoted

ALL_STACKS = frozenset({"--all", "-a"})
COMMAND_LIKENESS = 0.7
"""High, because command names are short: ``restart`` must not be suggested for ``status``."""

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
    "ImageTarget",
    "Join",
    "ListImages",
    "ListIncidents",
    "ListJobs",
    "ListNodes",
    "ListStacks",
    "ListTasks",
    "ListVersions",
    "ListVolumes",
    "ReadLogs",
    "Remove",
    "Reply",
    "Restart",
    "Resume",
    "RollBack",
    "Run",
    "Scale",
    "ScaleTarget",
    "ShowMap",
    "Status",
    "Update",
    "as_text",
    "resembling",
    "spec",
    "spec_of",
    "unknown_command",
]


def spec(word: str) -> CommandSpec | None:
    """The row for a command's name; case is ignored."""
    return next((row for row in COMMANDS if row.name == word.lower()), None)


def spec_of(command: Command) -> CommandSpec:
    """The row for a parsed command."""
    return next(row for row in COMMANDS if row.command is type(command))


def unknown_command(word: str, defaults: Defaults) -> Reply:
    """The reply to an unknown command: similar commands, or a pointer to the list of all."""
    right = " or ".join(arguments.example(defaults, row.name) for row in resembling(word))
    hint = f"Did you mean {right}?" if right else f"See {arguments.example(defaults, 'help')}."
    return Reply(f"Unknown command {quoted(word)}.", hint, changes=False)


def resembling(word: str) -> tuple[CommandSpec, ...]:
    """The commands similar to an unknown word, best match first."""
    same = tuple(row for row in COMMANDS if word.lower() in row.also)
    close = alike(word, [row.name for row in COMMANDS], 2, likeness=COMMAND_LIKENESS)
    return same or tuple(row for name in close for row in COMMANDS if row.name == name)


def _restart(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    name = arguments.one_service("restart", "Restart", words, defaults)
    return name if isinstance(name, Reply) else Restart(name)


def _resume(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    name = arguments.one_service("resume", "Resume", words, defaults)
    return name if isinstance(name, Reply) else Resume(name)


def _rollback(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse nothing or ``STACK/`` for a whole stack, with ``--yes`` if so typed, or one service."""
    names = [word for word in words if word.lower() not in arguments.YES]
    yes = len(names) < len(words)
    if not names:
        return RollBack(yes=yes)
    if len(names) == 1 and names[0].endswith(SLASH) and arguments.stack_name(names[0]):
        return RollBack(stack=arguments.stack_name(names[0]), yes=yes)
    if len(names) < len(words):
        right = f"Try: {arguments.example(defaults, f'rollback {names[0]}')}"
        return Reply("`--yes` isn't needed when you name a service.", right)
    name = arguments.one_service("rollback", "Roll back", words, defaults)
    return name if isinstance(name, Reply) else RollBack(name)


def _status(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    """Parse nothing, one service, one stack, or ``--all``."""
    forms = ("status", f"status {defaults.service}", "status --all")
    right = " or ".join(arguments.example(defaults, form) for form in forms)
    if len(words) > 1:
        return Reply("`status` takes one service or stack, or none.", f"Try: {right}")
    if not words:
        return Status()
    if words[0].lower() in ALL_STACKS:
        return Status(all=True)
    if words[0].startswith("-"):
        return Reply(f"`status` has no option {quoted(words[0])}.", f"Try: {right}")
    name = arguments.service_or_stack(words[0], defaults)
    return name if isinstance(name, Reply) else Status(name)


def _incidents(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    if len(words) > 1:
        right = arguments.example(defaults, f"incidents {defaults.service}")
        return Reply(
            "`incidents` takes one service, stack or incident, or none for all.",
            f"Try: {right} or {arguments.example(defaults, 'incidents')}",
        )
    if not words:
        return ListIncidents()
    name = arguments.service_or_stack(words[0].removeprefix("#"), defaults)
    return name if isinstance(name, Reply) else ListIncidents(name)


def _jobs(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    job = _one_job("jobs", words, defaults) if words else None
    return job if isinstance(job, Reply) else ListJobs(job)


def _cancel(words: Sequence[str], defaults: Defaults) -> Command | Reply:
    if not words:
        return Reply("Cancel which job?", _all_jobs(defaults))
    job = _one_job("cancel", words, defaults)
    return job if isinstance(job, Reply) else Cancel(job)


def _one_job(name: str, words: Sequence[str], defaults: Defaults) -> str | Reply:
    if len(words) > 1:
        return Reply(f"`{name}` takes one job.", _all_jobs(defaults))
    return job_id(words[0]) or Reply(
        f"{quoted(words[0])} is not a valid job id: an id has six letters and digits, none of"
        " them i, l, o, 0 or 1, like `k3f9ab`.",
        _all_jobs(defaults),
    )


def _all_jobs(defaults: Defaults) -> str:
    return f"To list the jobs: {arguments.example(defaults, 'jobs')}"


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
        summary="Set a service to N replicas and follow it until they run.",
        examples=(
            ("scale 5", "five replicas of the default service"),
            ("scale django 2", "two replicas of `django`"),
            ("scale worker01=3 django=2", "two services as one job"),
        ),
        changes=True,
        parse=arguments.scale,
        also=("replicas", "set", "resize", "start"),
        notes=(
            "The default service is `{service}`.",
            "N is the total number of replicas, at most {max_replicas}; 0 stops the service.",
            "One message follows the job to its verdict, with the cause if something fails.",
            "Jobs for one service run one at a time.",
        ),
    ),
    *IMAGES,
    CommandSpec(
        name="restart",
        command=Restart,
        usage="restart SERVICE",
        summary="Replace every task of a service with a new one of the same version.",
        examples=(("restart django", "all tasks of `django`, following its update settings"),),
        changes=True,
        parse=_restart,
        also=("reboot", "reload", "recreate", "bounce"),
        notes=(
            "Its configuration is unchanged. Its update settings say how many tasks go at a time.",
            (
                "Refused while an update is paused, if it would replace tasks that run by the"
                " version that failed."
            ),
            "Docker keeps one previous spec; after a restart that is the same version.",
        ),
    ),
    CommandSpec(
        name="resume",
        command=Resume,
        usage="resume SERVICE",
        summary="Go on with a paused update of a service.",
        examples=(("resume django", "the update of `django` that the swarm paused"),),
        changes=True,
        parse=_resume,
        also=("continue", "unpause", "proceed"),
        notes=(
            "The swarm pauses an update when a new task fails. Fix the cause first.",
            "It goes on with the version of that update; `rollback` goes back instead.",
        ),
    ),
    CommandSpec(
        name="rollback",
        command=RollBack,
        usage="rollback [SERVICE | STACK/] [--yes]",
        summary="Go back to the stack's last good version, or to a service's previous one.",
        examples=(
            ("rollback", "the plan for the whole stack"),
            ("rollback django", "`django` as it was before its last update"),
            ("rollback shop/", "the plan for another stack"),
        ),
        changes=True,
        parse=_rollback,
        also=("undo", "revert", "back"),
        notes=(
            "The stack goes back to its last successful version with other files; see `history`.",
            (
                "A service goes back one version, even during an update or while one is paused, and"
                " keeps its current replica count."
            ),
            (
                "After a scale or restart, Docker no longer has the older version. Then it comes"
                " from the stack's history, if the bot deployed it."
            ),
        ),
    ),
    RUN,
    *STACKS,
    CommandSpec(
        name="status",
        command=Status,
        usage="status [SERVICE | STACK | --all]",
        summary="What runs where, what is unhealthy, why and since when.",
        examples=(
            ("status", "the channel's stack"),
            ("status django", "the tasks of `django`"),
            ("status shop/", "another stack; `shop/web` is one of its services"),
            ("status --all", "every stack, unhealthy ones first"),
        ),
        changes=False,
        parse=_status,
        also=("state", "show", "services", "info", "st", "list", "ls"),
    ),
    *LOOKING,
    CommandSpec(
        name="jobs",
        command=ListJobs,
        usage="jobs [JOB]",
        summary="Running, queued and recently finished jobs, or one job in detail.",
        examples=(("jobs", "the list"), ("jobs k3f9ab", "the job `k3f9ab`")),
        changes=False,
        parse=_jobs,
        also=("job", "queue"),
    ),
    CommandSpec(
        name="incidents",
        command=ListIncidents,
        usage="incidents [SERVICE | STACK | INCIDENT]",
        summary="What is failing now and what failed recently: why, how often, for how long.",
        examples=(
            ("incidents", "incidents of all services"),
            ("incidents django", "incidents of `django`"),
            ("incidents w4b7ke", "the incident `w4b7ke` in detail"),
        ),
        changes=False,
        parse=_incidents,
        also=("alerts", "failures", "alarms"),
        notes=(
            "An incident is one service failing for one cause, or one node that is down.",
            "It is resolved once everything has run for a while without a failure.",
        ),
    ),
    *LISTED,
    *VERSIONS,
    *NODES,
    CommandSpec(
        name="cancel",
        command=Cancel,
        usage="cancel JOB",
        summary="Stop following a job, or remove it from the queue.",
        examples=(("cancel k3f9ab", "the job `k3f9ab`"),),
        changes=True,
        parse=_cancel,
        also=("stop", "abort", "kill"),
        notes=(
            "Replicas that were already set stay; the job's message then offers to scale back.",
        ),
    ),
    CommandSpec(
        name="help",
        command=Help,
        usage="help [COMMAND]",
        summary="This list, or one command in detail.",
        examples=(("help", "all commands"), ("help scale", "one command")),
        changes=False,
        parse=_help,
        also=("usage", "man", "commands", "h"),
    ),
)

"""Parsed commands as values, and the reply for text that cannot be parsed."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from bot.domain.text.escaping import shorten

LONGEST_REPLY = 2900
NOTHING_CHANGED = "Nothing was changed."
LOG_LINES = 200
"""Default number of log lines."""
GREP_LINES = 2000
"""Default number of log lines that are searched."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """Values from the settings that fill in omitted arguments.

    ``command`` is the slash command, ``service`` the service that ``scale N`` applies to, and
    ``max_replicas`` the highest replica count that may be requested. ``other`` is another service,
    for examples. In a channel whose stack lacks the default service, ``elsewhere`` is True: both
    are then services of that stack, for examples only, and ``scale N`` applies to none. Where only
    one service is meant, as in an alert's thread, both are that one.
    """

    command: str = "/orochi"
    service: str = "worker01"
    max_replicas: int = 100
    other: str = "django"
    elsewhere: bool = False

    def among(self, services: Sequence[str]) -> Defaults:
        """The defaults in a channel whose stack has these services (short names)."""
        if self.service in services:
            return self
        first, second, *_ = [*sorted(services), "SERVICE", "SERVICE"]
        return replace(self, service=first, other=second, elsewhere=True)


@dataclass(frozen=True, slots=True)
class ScaleTarget:
    """One service, named as typed, and its requested replica count."""

    service: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Scale:
    """``scale``: set the replica counts of services. Each service occurs at most once."""

    targets: tuple[ScaleTarget, ...]


@dataclass(frozen=True, slots=True)
class ImageTarget:
    """One service, named as typed, and its new image.

    ``image`` is a whole name, a ``:TAG`` or ``@DIGEST`` of the present one, or "" for what its tag
    stands for now.
    """

    service: str
    image: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """``update``: set the images of services. Each service occurs at most once.

    ``yes`` sets them even if the registry cannot be asked. Without ``targets``, all services of
    ``stack`` (None: the channel's) get the newest image of their tags, and ``yes`` skips the
    confirmation.
    """

    targets: tuple[ImageTarget, ...]
    yes: bool = False
    stack: str | None = None


@dataclass(frozen=True, slots=True)
class Restart:
    """``restart``: replace every task of a service, named as typed."""

    service: str


@dataclass(frozen=True, slots=True)
class Resume:
    """``resume``: go on with a paused update of a service, named as typed."""

    service: str


@dataclass(frozen=True, slots=True)
class Run:
    """``run``: a command, as words, once in a new container like those of a service.

    The service is named as typed.
    """

    service: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RollBack:
    """``rollback``: restore a service's previous version; the service is named as typed.

    Without a service, ``stack`` (None: the channel's) goes back to its last healthy version.
    ``yes`` skips the confirmation of that plan.
    """

    service: str | None = None
    yes: bool = False
    stack: str | None = None


@dataclass(frozen=True, slots=True)
class Deploy:
    """``deploy``: update a stack to match its file; the channel's stack if none is named.

    ``yes`` skips the confirmation of the plan.
    """

    stack: str | None = None
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """``remove``: remove a stack from the swarm; it is always named."""

    stack: str


@dataclass(frozen=True, slots=True)
class Status:
    """``status``: an overview of a stack, or one service, named as typed.

    Without a name, it is about the channel's stack. ``all`` is about every stack.
    """

    name: str | None = None
    all: bool = False


@dataclass(frozen=True, slots=True)
class ListJobs:
    """``jobs``: running and finished jobs, or one in detail; ``job`` has the form of a job id."""

    job: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """``cancel``: stop waiting for a job; ``job`` has the form of a job id."""

    job: str


@dataclass(frozen=True, slots=True)
class ListIncidents:
    """``incidents``: current and recent failures, of all services or of one, named as typed.

    What is typed may also be the id of an incident, which is then shown in detail.
    """

    service: str | None = None


@dataclass(frozen=True, slots=True)
class ListTasks:
    """``ps``: the tasks of a stack, or of one service, named as typed.

    Without a name, those of the channel's stack. ``wide`` asks for a table.
    """

    name: str | None = None
    wide: bool = False


@dataclass(frozen=True, slots=True)
class ReadLogs:
    """``logs``: the last ``lines`` lines of a service, named as typed.

    ``since`` is the maximum age of a line in seconds; 0 means no limit. ``place`` is one of its
    slots, or a node of a global service, as typed; "" means all. Of the lines, only those with
    the text ``grep`` are shown.
    """

    service: str
    since: int = 0
    lines: int = LOG_LINES
    place: str = ""
    grep: str = ""


@dataclass(frozen=True, slots=True)
class ListNodes:
    """``nodes``: the nodes of the swarm, or one in detail; its hostname or id is as typed.

    ``wide`` asks for a table of all.
    """

    node: str | None = None
    wide: bool = False


@dataclass(frozen=True, slots=True)
class ShowMap:
    """``map``: a picture of the swarm, posted in the channel."""


@dataclass(frozen=True, slots=True)
class ListVolumes:
    """``volumes``: the volumes of a stack; the channel's stack if none is named."""

    stack: str | None = None


@dataclass(frozen=True, slots=True)
class ListVersions:
    """``history``: the deployed versions of a stack; the channel's stack if none is named."""

    stack: str | None = None


@dataclass(frozen=True, slots=True)
class ListImages:
    """``images``: the images of a stack's services; the channel's stack if none is named."""

    stack: str | None = None


@dataclass(frozen=True, slots=True)
class ListStacks:
    """``stacks``: the stacks with a file and the deployed ones, with manual changes."""


@dataclass(frozen=True, slots=True)
class Drain:
    """``drain``: move all tasks off a node; its hostname or id is as typed.

    With ``yes`` the node is drained even if some tasks fit on no other node.
    """

    node: str
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Activate:
    """``activate``: allow tasks on a node again; its hostname or id is as typed."""

    node: str


@dataclass(frozen=True, slots=True)
class Join:
    """``join``: the command to join a node as ``worker`` or ``manager``; ``rotate`` requests a new
    token for that role."""

    role: str
    rotate: bool = False


@dataclass(frozen=True, slots=True)
class RotateToken:
    """The button that rotates a token; ``token`` is its role and fingerprint (``worker:…``)."""

    token: str


@dataclass(frozen=True, slots=True)
class IncidentLogs:
    """The button *Logs* of an incident's message; not typed."""

    incident: str


@dataclass(frozen=True, slots=True)
class AcknowledgeIncident:
    """The button *Acknowledge* of an incident's message; not typed."""

    incident: str


@dataclass(frozen=True, slots=True)
class SilenceIncident:
    """The button *Silence 1 h* of an incident's message; not typed."""

    incident: str


@dataclass(frozen=True, slots=True)
class RefreshHome:
    """The button *Refresh* of the Home tab; not typed. Its value has no meaning."""

    view: str


@dataclass(frozen=True, slots=True)
class Help:
    """``help``: all commands, or one; ``command`` is the name of an existing command."""

    command: str | None = None


Command = (
    Scale
    | Update
    | Restart
    | Resume
    | Run
    | RollBack
    | Deploy
    | Remove
    | Status
    | ListTasks
    | ReadLogs
    | ListNodes
    | ListVolumes
    | ShowMap
    | ListJobs
    | ListIncidents
    | ListVersions
    | ListStacks
    | ListImages
    | Drain
    | Activate
    | Join
    | Cancel
    | Help
)

Pressed = Cancel | IncidentLogs | AcknowledgeIncident | SilenceIncident | RotateToken | RefreshHome
"""Commands of buttons that are answered at once; the button's value is their only field."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A helpful reply to invalid input: what is wrong and what would be correct.

    Both sentences are Slack mrkdwn; quoted input is already escaped. ``changes`` says whether the
    intended command would change something.
    """

    problem: str
    hint: str = ""
    changes: bool = True

    @property
    def text(self) -> str:
        """The whole reply, at most 3,000 characters; may say that nothing was changed."""
        said = shorten("\n".join(part for part in (self.problem, self.hint) if part), LONGEST_REPLY)
        return f"{said}\n{NOTHING_CHANGED}" if self.changes else said


_WORDS: Final[dict[type[Command], str]] = {
    Remove: "remove",
    Status: "status",
    Restart: "restart",
    Resume: "resume",
    ListTasks: "ps",
    ListNodes: "nodes",
    ListVolumes: "volumes",
    ShowMap: "map",
    ListJobs: "jobs",
    ListIncidents: "incidents",
    ListVersions: "history",
    ListStacks: "stacks",
    ListImages: "images",
    Drain: "drain",
    Activate: "activate",
    Cancel: "cancel",
    Help: "help",
}
"""The names of commands whose only argument follows the name, before an option."""

_OPTIONS: Final[dict[type[Command], str]] = {
    Status: "--all",
    ListTasks: "--wide",
    ListNodes: "--wide",
}
"""The options of those commands, where it is not ``--yes``."""


def as_text(command: Command) -> str:
    """The command as a person would type it after the slash command."""
    match command:
        case Scale(targets):
            return " ".join(
                ["scale", *(f"{target.service}={target.replicas}" for target in targets)]
            )
        case Update((), yes, stack):
            return " ".join(filter(None, ["update --all", stack, "--yes" if yes else ""]))
        case Update((ImageTarget(service, image),), yes):
            return " ".join(filter(None, ["update", service, image, "--yes" if yes else ""]))
        case Update(images, yes):
            pairs = (f"{each.service}={each.image}".removesuffix("=") for each in images)
            return " ".join(["update", *pairs, *(["--yes"] if yes else [])])
        case ReadLogs():
            return _logs_text(command)
        case Deploy(stack, yes):
            return " ".join(filter(None, ["deploy", stack, "--yes" if yes else ""]))
        case RollBack(service, yes, stack):
            name = f"{stack}/" if stack else service
            return " ".join(filter(None, ["rollback", name, "--yes" if yes else ""]))
        case Run(service, words):
            return f"run {service} -- {shlex.join(words)}"
        case Join(role, rotate):
            return f"join rotate {role}" if rotate else f"join {role}"
    about = [getattr(command, field.name) for field in fields(command)]
    option = _OPTIONS.get(type(command), "--yes")
    said = (option if each is True else each for each in about if each)
    return " ".join([_WORDS[type(command)], *said])


def _logs_text(command: ReadLogs) -> str:
    place = f".{command.place}" if command.place else ""
    usual = GREP_LINES if command.grep else LOG_LINES
    return " ".join(
        [
            f"logs {command.service}{place}",
            *([f"--since {command.since}s"] if command.since else []),
            *([f"--lines {command.lines}"] if command.lines != usual else []),
            *([f"--grep {command.grep}"] if command.grep else []),
        ]
    )

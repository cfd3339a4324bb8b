"""A command as a value, and what a person reads instead of one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from bot.domain.text.escaping import shorten

LONGEST_REPLY = 2900
NOTHING_CHANGED = "Nothing was changed."
LOG_LINES = 200
"""How many lines of a log are shown unless it is said."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings fill in.

    ``command`` is the slash command, ``service`` the one that ``scale N`` means, and
    ``max_replicas`` the highest number that may be asked for.
    """

    command: str = "/orochi"
    service: str = "worker01"
    max_replicas: int = 100


@dataclass(frozen=True, slots=True)
class ScaleTarget:
    """One service, named as it was typed, and the replicas it shall have."""

    service: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Scale:
    """``scale``: give services a number of replicas. No service stands in it twice."""

    targets: tuple[ScaleTarget, ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """``restart``: replace every task of a service, named as it was typed."""

    service: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """``rollback``: bring a service's previous version back; named as it was typed.

    Without a service it is the whole stack: back to its last version that was well. With ``yes``
    it is not asked whether the plan for that is right.
    """

    service: str | None = None
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Deploy:
    """``deploy``: bring a stack to what its file says; the bot's own stack when none is named.

    With ``yes`` it is not asked whether the plan is right.
    """

    stack: str | None = None
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """``status``: the stack in one look, or one service, named as it was typed."""

    service: str | None = None


@dataclass(frozen=True, slots=True)
class ListJobs:
    """``jobs``: what is under way and what was done."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """``cancel``: stop waiting for a job; ``job`` has the form of a job id."""

    job: str


@dataclass(frozen=True, slots=True)
class ListIncidents:
    """``incidents``: what fails and what failed lately, of all services or of one, as typed."""

    service: str | None = None


@dataclass(frozen=True, slots=True)
class ListTasks:
    """``ps``: the tasks of the stack, or of one service, named as it was typed."""

    service: str | None = None


@dataclass(frozen=True, slots=True)
class ReadLogs:
    """``logs``: the last ``lines`` lines of a service, named as it was typed.

    ``since`` is how far back they may go, in seconds; 0 means as far as there are any.
    """

    service: str
    since: int = 0
    lines: int = LOG_LINES


@dataclass(frozen=True, slots=True)
class ListNodes:
    """``nodes``: the nodes of the swarm."""


@dataclass(frozen=True, slots=True)
class ShowMap:
    """``map``: the swarm as a picture, in the channel."""


@dataclass(frozen=True, slots=True)
class ListVolumes:
    """``volumes``: the volumes of the stack."""


@dataclass(frozen=True, slots=True)
class ListVersions:
    """``history``: the deployed versions of a stack; the bot's own when none is named."""

    stack: str | None = None


@dataclass(frozen=True, slots=True)
class ListStacks:
    """``stacks``: those that may be deployed and those that are, and what was changed by hand."""


@dataclass(frozen=True, slots=True)
class Drain:
    """``drain``: let no task run on a node; its hostname or id as it was typed.

    With ``yes`` also when tasks find no other node.
    """

    node: str
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Activate:
    """``activate``: let tasks run on a node again; its hostname or id as it was typed."""

    node: str


@dataclass(frozen=True, slots=True)
class Join:
    """``join``: how a node joins as a ``worker`` or a ``manager``; ``rotate`` asks for another
    token of that role."""

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
    """The button *Refresh* of the Home tab; not typed. Its value says nothing."""

    view: str


@dataclass(frozen=True, slots=True)
class Help:
    """``help``: all commands, or one; ``command`` is the word of one that exists."""

    command: str | None = None


Command = (
    Scale
    | Restart
    | RollBack
    | Deploy
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
    | Drain
    | Activate
    | Join
    | Cancel
    | Help
)

Pressed = Cancel | IncidentLogs | AcknowledgeIncident | SilenceIncident | RotateToken | RefreshHome
"""What a button that is answered at once stands for; its value is the one field's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A helpful answer to what is no command: what was wrong and what would be right.

    Both are sentences in Slack's mrkdwn; what they quote is escaped already. ``changes`` says
    whether the command that was meant would change something.
    """

    problem: str
    hint: str = ""
    changes: bool = True

    @property
    def text(self) -> str:
        """All of it, at most 3,000 characters; says that nothing was changed where it matters."""
        said = shorten("\n".join(part for part in (self.problem, self.hint) if part), LONGEST_REPLY)
        return f"{said}\n{NOTHING_CHANGED}" if self.changes else said


_WORDS: Final[dict[type[Command], str]] = {
    Restart: "restart",
    Status: "status",
    ListTasks: "ps",
    ListNodes: "nodes",
    ListVolumes: "volumes",
    ShowMap: "map",
    ListJobs: "jobs",
    ListIncidents: "incidents",
    ListVersions: "history",
    ListStacks: "stacks",
    Activate: "activate",
    Cancel: "cancel",
    Help: "help",
}
"""The words of the commands that have one field at most, which may follow."""


def as_text(command: Command) -> str:
    """The command as a person would type it after the slash command."""
    match command:
        case Scale(targets):
            return " ".join(
                ["scale", *(f"{target.service}={target.replicas}" for target in targets)]
            )
        case ReadLogs(service, since, lines):
            back = f" --since {since}s" if since else ""
            return f"logs {service}{back}" + (f" --lines {lines}" if lines != LOG_LINES else "")
        case Deploy(stack, yes):
            return " ".join(filter(None, ["deploy", stack, "--yes" if yes else ""]))
        case RollBack(service, yes):
            return " ".join(filter(None, ["rollback", service, "--yes" if yes else ""]))
        case Drain(node, yes):
            return f"drain {node} --yes" if yes else f"drain {node}"
        case Join(role, rotate):
            return f"join rotate {role}" if rotate else f"join {role}"
    about = [getattr(command, field.name) for field in fields(command)]
    return " ".join([_WORDS[type(command)], *filter(None, about)])

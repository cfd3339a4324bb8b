"""A command as a value, and what a person reads instead of one."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.quoting import shorten

LONGEST_REPLY = 2900
NOTHING_CHANGED = "Nothing was changed."


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
    """``rollback``: bring a service's previous version back; named as it was typed."""

    service: str


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
class Help:
    """``help``: all commands, or one; ``command`` is the word of one that exists."""

    command: str | None = None


Command = Scale | Restart | RollBack | Status | ListJobs | ListIncidents | Cancel | Help

Pressed = Cancel | IncidentLogs | AcknowledgeIncident | SilenceIncident
"""What a button that is answered at once stands for; its value is the one field's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A helpful answer to what is no command: what was wrong and what would be right.

    Both are sentences in Slack's mrkdwn; what they quote is escaped already.
    """

    problem: str
    hint: str = ""

    @property
    def text(self) -> str:
        """All of it, at most 3,000 characters; says that nothing was changed."""
        said = "\n".join(part for part in (self.problem, self.hint) if part)
        return f"{shorten(said, LONGEST_REPLY)}\n{NOTHING_CHANGED}"


def as_text(command: Command) -> str:
    """The command as a person would type it after the slash command."""
    match command:
        case Scale(targets):
            return " ".join(
                ["scale", *(f"{target.service}={target.replicas}" for target in targets)]
            )
        case Restart(service):
            return f"restart {service}"
        case RollBack(service):
            return f"rollback {service}"
        case Status(service):
            return f"status {service}" if service else "status"
        case ListJobs():
            return "jobs"
        case ListIncidents(service):
            return f"incidents {service}" if service else "incidents"
        case Cancel(job):
            return f"cancel {job}"
        case Help(word):
            return f"help {word}" if word else "help"

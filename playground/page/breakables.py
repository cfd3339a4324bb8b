"""What the page's panel can break: named actions that whoever builds the demo provides."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from playground.slack import Json


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing to choose before an action: one of `choices`, or free text where there are none.

    `name` is what comes back, `label` what people read, `initial` what is chosen to begin with.
    """

    name: str
    label: str
    choices: tuple[str, ...] = ()
    initial: str = ""


@dataclass(frozen=True, slots=True)
class Breakable:
    """One action: `name` comes back, `label` is on the button, `help` is one sentence below it.

    `mends` marks those that put something right again; the panel lists them apart.
    """

    name: str
    label: str
    help: str = ""
    parameters: tuple[Parameter, ...] = ()
    mends: bool = False

    def as_json(self) -> Json:
        """The action as the page reads it."""
        return asdict(self)


class CannotBreakError(Exception):
    """An action could not be done; the text is a sentence for the person who asked for it."""


class Breakables(Protocol):
    """The actions of the panel."""

    def listed(self) -> Sequence[Breakable]:
        """What can be done now; asked again whenever the panel is looked at."""

    async def do(self, name: str, values: Mapping[str, str]) -> str:
        """Do it; returns one sentence that says what was done. Raises CannotBreakError."""


class Nothing:
    """A panel without actions: the page does not show it."""

    def listed(self) -> Sequence[Breakable]:
        """None."""
        return ()

    async def do(self, name: str, values: Mapping[str, str]) -> str:  # noqa: ARG002 - the protocol's
        """Refused."""
        raise CannotBreakError(f"There is nothing called {name} to break here.")

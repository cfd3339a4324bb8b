"""What the page's panel can break: named actions that whoever builds the demo provides."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from playground.slack import Json


@dataclass(frozen=True, slots=True)
class Parameter:
    """One choice to make before an action: one of `choices`, or free text if there are none.

    `name` is the key of the answer, `label` is what people read, `initial` is preselected.
    """

    name: str
    label: str
    choices: tuple[str, ...] = ()
    initial: str = ""


@dataclass(frozen=True, slots=True)
class Breakable:
    """One action: `name` is sent back, `label` is on the button, `help` is one sentence below it.

    `mends` marks actions that repair something; the panel lists them separately.
    """

    name: str
    label: str
    help: str = ""
    parameters: tuple[Parameter, ...] = ()
    mends: bool = False

    def as_json(self) -> Json:
        """The action as JSON for the page."""
        return asdict(self)


class CannotBreakError(Exception):
    """An action that could not be done; the text is a sentence for the person who asked."""


class Breakables(Protocol):
    """The actions of the panel."""

    def listed(self) -> Sequence[Breakable]:
        """The actions that are possible now; called whenever the panel is opened or updated."""

    async def do(self, name: str, values: Mapping[str, str]) -> str:
        """Run the action; returns one sentence that says what was done. Raises CannotBreakError."""


class Nothing:
    """A panel without actions: the page does not show it."""

    def listed(self) -> Sequence[Breakable]:
        """No actions."""
        return ()

    async def do(self, name: str, values: Mapping[str, str]) -> str:  # noqa: ARG002 - the protocol's
        """Raise CannotBreakError."""
        raise CannotBreakError(f"There is no action called {name}.")

"""A web page that looks and behaves like a Slack channel, over the Slack emulator.

`Playground` serves it on loopback: the page itself (built from `web/`, no Node needed), people's
actions as JSON calls, and every change live as server-sent events.
"""

from playground.page.breakables import Breakable, Breakables, CannotBreakError, Nothing, Parameter
from playground.page.names import Names, NameSource
from playground.page.seen import TRY
from playground.page.server import Playground

__all__ = [
    "TRY",
    "Breakable",
    "Breakables",
    "CannotBreakError",
    "NameSource",
    "Names",
    "Nothing",
    "Parameter",
    "Playground",
]

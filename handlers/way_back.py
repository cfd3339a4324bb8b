"""The button *Roll back* or *Scale back*: what undoes a service's version, or a job's numbers."""

from __future__ import annotations

from bot.domain.job import Draft
from handlers.rollback import RollBack
from handlers.scale_back import ScaleBack

SERVICE = "service:"
"""Before a service's full name, in the value of a button that rolls it back."""


class WayBack:
    """Begins the job that a button's value tells."""

    def __init__(self, scale_back: ScaleBack, roll_back: RollBack) -> None:
        self._scale_back = scale_back
        self._roll_back = roll_back

    async def begin(self, draft: Draft, value: str) -> None:
        """``value`` is ``service:FULLNAME``, or the id of a job to scale back from."""
        name = value.removeprefix(SERVICE)
        if name != value:
            await self._roll_back.press(draft, name)
        else:
            await self._scale_back.begin(draft, value)

"""The page of the guide: text, and what a person typed or pressed with what came back."""

from __future__ import annotations

import textwrap
from collections.abc import Awaitable, Callable, Mapping

from playground.slack import Message
from tests.desk import OPERATOR, Desk, finished, is_job
from tests.guide.transcript import transcript
from tests.swarm.deploying import confirm_typed

WIDTH = 110


class Page:
    """Collects the page while a day at a desk goes on."""

    def __init__(self, desk: Desk, names: Mapping[str, str]) -> None:
        self._desk = desk
        self._names = names
        self.parts: list[str] = []

    def text(self, *paragraphs: str) -> None:
        """Add paragraphs of Markdown."""
        self.parts += (textwrap.fill(each, WIDTH) for each in paragraphs)

    def show(self, said: str, message: Message, most: int = 14) -> None:
        """Add a message, after what was typed or pressed."""
        self.parts.append(transcript(said, message, most=most, names=self._names))

    async def answered(self, typed: str, most: int = 14) -> None:
        """Type a command whose answer is for the person alone."""
        slack = self._desk.slack
        known = {id(message) for message in slack.workspace.shown_to(OPERATOR)}
        await self._desk.type(typed)
        answer = await slack.wait_for_ephemeral(OPERATOR, lambda m: id(m) not in known)
        self.show(f"/orochi {typed}", answer, most)

    async def job(self, typed: str, verdict: str = "converged", most: int = 14) -> Message:
        """Type a command and show its message once there is a verdict."""
        return await self._after(
            f"/orochi {typed}", self._desk.type(typed), finished, verdict, most
        )

    async def plan(self, typed: str, most: int = 16) -> Message:
        """Type a command that asks for a confirmation, and show its plan."""
        return await self._after(f"/orochi {typed}", self._desk.type(typed), is_job, "", most)

    async def plan_by(self, label: str, message: Message, action: str) -> Message:
        """Press a button that asks for a confirmation, and show its plan."""
        pressed = self._desk.slack.press(message, action)
        return await self._after(f"[{label}]", pressed, is_job, "", 16)

    async def confirmed(self, message: Message, verdict: str = "converged", most: int = 18) -> None:
        """Press *Confirm* and show the same message once there is a verdict."""
        await self._desk.slack.press(message, "job.confirm")
        await self.ended("[Confirm]", message, verdict, most)

    async def removed(self, message: Message, name: str, most: int = 18) -> None:
        """Type a stack's name into a plan, press *Remove* and show the end."""
        await confirm_typed(self._desk, message, name)
        await self.ended(f"(typed: {name}) [Remove]", message, "converged", most)

    async def ended(self, said: str, message: Message, verdict: str, most: int = 18) -> None:
        """Show a message of a job once it has the verdict."""
        slack = self._desk.slack
        await slack.wait_for_message(lambda m: m is message and finished(m), timeout=90)
        _check(message, verdict)
        self.show(said, message, most)

    async def alerted(self, state: str, cause: str = "") -> Message:
        """Wait for an alert in a state, and show it."""

        def fits(message: Message) -> bool:
            incident = (message.metadata or {}).get("event_type") == "swarm_incident"
            return incident and message.payload["state"] == state

        alert = await self._desk.slack.wait_for_message(fits, timeout=60)
        if cause and alert.payload["cause"] != cause:
            raise ValueError(f"an alert of another cause: {alert.payload}")
        self.show("(nobody typed anything)", alert, 18)
        return alert

    async def _after(
        self,
        said: str,
        doing: Awaitable[object],
        fits: Callable[[Message], bool],
        verdict: str,
        most: int,
    ) -> Message:
        slack = self._desk.slack
        known = {message.ts for message in slack.workspace.messages.values()}
        await doing
        message = await slack.wait_for_message(lambda m: m.ts not in known and fits(m), timeout=90)
        if verdict:
            _check(message, verdict)
        self.show(said, message, most)
        return message


def _check(message: Message, verdict: str) -> None:
    if message.payload["verdict"] != verdict:
        raise ValueError(f"not {verdict}: {message.shown_text}")

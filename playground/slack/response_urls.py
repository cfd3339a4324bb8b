"""Response URLs: where the app answers a command or a click without a token.

Each works five times within thirty minutes. It can write to channels that the bot is not in, and it
can replace or delete the message that the click came from.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from playground.slack.chat import checked_blocks
from playground.slack.faults import SlackFaults
from playground.slack.limits import check_content, is_list_of_objects
from playground.slack.model import Content, Json, Message
from playground.slack.refusals import RateLimited, Refusal
from playground.slack.web_api import StructureCheck
from playground.slack.workspace import TEAM_ID, Workspace

USES: Final = 5
LIFETIME: Final = 30 * 60.0
PSEUDO_METHOD: Final = "response_url"
"""The method name for faults of response URLs."""


@dataclass
class ResponseUrl:
    """The destination of answers to one payload: channel, user, and the original message."""

    channel: str
    user: str
    source: Message | None
    issued_at: float
    uses: int = 0


class ResponseUrls:
    """Issues response URLs and handles what is posted to them."""

    def __init__(
        self, workspace: Workspace, faults: SlackFaults, structure: StructureCheck
    ) -> None:
        self.workspace = workspace
        self.faults = faults
        self.structure = structure
        self.root_url = ""
        self._issued: dict[str, ResponseUrl] = {}

    def issue(self, channel: str, user: str, source: Message | None = None) -> str:
        """A new response URL; `source` is the message that was clicked."""
        kind = "commands" if source is None else "actions"
        path = f"/{kind}/{TEAM_ID}/{self.workspace.number()}/{secrets.token_urlsafe(18)}"
        self._issued[path] = ResponseUrl(channel, user, source, self.workspace.clock())
        return self.root_url + path

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one POST to a response URL."""
        url = self._issued.get(request.path)
        channel = "" if url is None else url.channel
        self.workspace.emit("call", method=PSEUDO_METHOD)

        async def effect() -> web.Response:
            return await self._effect(url, request)

        try:
            return await self.faults.around(PSEUDO_METHOD, channel, request, effect)
        except RateLimited as limited:
            headers = {"Retry-After": str(limited.retry_after)}
            return web.json_response(limited.as_json(), status=429, headers=headers)
        except Refusal as refusal:
            status = 404 if refusal.code in ("used_url", "expired_url") else 400
            return web.json_response(refusal.as_json(), status=status)

    async def _effect(self, url: ResponseUrl | None, request: web.Request) -> web.Response:
        if url is None or self.workspace.clock() - url.issued_at > LIFETIME:
            raise Refusal("expired_url")
        if url.uses >= USES:
            raise Refusal("used_url")
        self.apply(await _payload_of(request), url.channel, url.user, url.source)
        url.uses += 1
        return web.Response(text="ok")

    def apply(
        self, payload: Json, channel: str, user: str, source: Message | None = None
    ) -> Message | None:
        """Apply a payload; returns the message, or `None` after a deletion.

        Raises `Refusal` for a payload that Slack refuses.
        """
        if payload.get("delete_original") is True and source is not None:
            self.workspace.delete(source)
            return None
        content = self._content_of(payload)
        if payload.get("replace_original") is True and source is not None:
            self.workspace.edit(source, content)
            return source
        thread = payload.get("thread_ts")
        if payload.get("response_type") == "in_channel":
            return self.workspace.post(channel, content, thread_ts=thread)
        return self.workspace.show(channel, content, only_for=user, thread_ts=thread)

    def _content_of(self, payload: Json) -> Content:
        kind = payload.get("response_type", "ephemeral")
        text, blocks = payload.get("text") or "", payload.get("blocks") or []
        attachments = payload.get("attachments") or []
        well_formed = isinstance(text, str) and all(map(is_list_of_objects, (blocks, attachments)))
        if kind not in ("ephemeral", "in_channel") or not well_formed:
            raise Refusal("invalid_payload")
        kept = checked_blocks(blocks, self.structure, self.workspace)
        content = Content(text, kept, tuple(attachments))
        check_content(content)
        return content


async def _payload_of(request: web.Request) -> Json:
    text = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        text = str((await request.post()).get("payload", ""))
    try:
        payload = json.loads(text)
    except ValueError:
        raise Refusal("invalid_payload") from None
    if not isinstance(payload, dict):
        raise Refusal("invalid_payload")
    return payload

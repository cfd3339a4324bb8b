"""The values of a Slack workspace: users, channels, messages, files and views.

Identifiers look like Slack's own (`U…`, `C…`, `D…`, `F…`, `V…`); every time is in Unix
seconds. JSON that the app sent is kept as it came.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import quote

ADDRESS: Final = "https://emulated.slack.com/"
"""The workspace's address. Nothing answers there; the page shows what its links mean."""

Json = dict[str, Any]
"""A JSON object."""


@dataclass(frozen=True)
class User:
    """A member of the workspace; the app itself is one too (`is_bot`).

    `team` is the workspace of a person from elsewhere (Slack Connect, or another workspace of the
    same `enterprise`), "" for this one. `is_guest` is a guest of this workspace.
    """

    id: str
    name: str
    real_name: str
    is_bot: bool = False
    tz: str = "Etc/UTC"
    team: str = ""
    enterprise: str = ""
    is_guest: bool = False

    def as_json(self, team: str) -> Json:
        """The user as `users.info` shows it."""
        profile = {"real_name": self.real_name, "display_name": self.name}
        organization = {"id": self.id, "enterprise_id": self.enterprise}
        more: Json = {"enterprise_user": organization} if self.enterprise else {}
        if self.team and not self.enterprise:
            more["is_stranger"] = True
        return more | {
            "id": self.id,
            "team_id": self.team or team,
            "is_restricted": self.is_guest,
            "is_ultra_restricted": False,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": False,
            "is_bot": self.is_bot,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": 0,
            "profile": profile,
        }


@dataclass
class Channel:
    """A conversation: public, private, or a direct one (`is_direct`)."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    is_private: bool = False
    is_archived: bool = False
    is_direct: bool = False
    is_ext_shared: bool = False

    def as_json(self, viewer: str) -> Json:
        """The channel as `conversations.info` shows it to the user `viewer`."""
        shown: Json = {
            "id": self.id,
            "is_channel": not self.is_direct and not self.is_private,
            "is_group": self.is_private and not self.is_direct,
            "is_im": self.is_direct and len(self.members) <= 2,
            "is_mpim": self.is_direct and len(self.members) > 2,
            "is_private": self.is_private or self.is_direct,
            "is_archived": self.is_archived,
            "is_ext_shared": self.is_ext_shared,
            "is_pending_ext_shared": False,
            "is_member": viewer in self.members,
            "num_members": len(self.members),
        }
        if shown["is_im"]:
            return shown | {"user": next(iter(self.members - {viewer}), viewer)}
        return shown | {"name": self.name, "name_normalized": self.name}


@dataclass(frozen=True)
class Content:
    """The content of a message."""

    text: str = ""
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    metadata: Json | None = None

    def as_json(self, *, with_metadata: bool) -> Json:
        """The fields that are set, as the Web API shows them."""
        shown: Json = {"text": self.text}
        if self.blocks:
            shown["blocks"] = list(self.blocks)
        if self.attachments:
            shown["attachments"] = list(self.attachments)
        if self.metadata is not None and with_metadata:
            shown["metadata"] = self.metadata
        return shown


@dataclass(frozen=True)
class Edit:
    """One state of a message and when it began; the first one is the posting."""

    at: float
    content: Content


@dataclass
class Message:
    """A message in a channel with the history of all its edits.

    `ts` is its identifier within the channel, `thread_ts` that of its thread's first message.
    `only_for` is the only user who sees it (an ephemeral message). `deleted_at` is when it was
    deleted, `None` while it exists.
    """

    ts: str
    channel: str
    user: str
    history: list[Edit]
    bot_id: str | None = None
    app_id: str | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    only_for: str | None = None
    deleted_at: float | None = None
    files: tuple["File", ...] = ()

    @property
    def content(self) -> Content:
        """The current content."""
        return self.history[-1].content

    @property
    def text(self) -> str:
        """The current text (the fallback if there are blocks)."""
        return self.content.text

    @property
    def blocks(self) -> tuple[Json, ...]:
        """The current blocks, each with a block id."""
        return self.content.blocks

    @property
    def metadata(self) -> Json | None:
        """The current metadata: `event_type` and `event_payload`."""
        return self.content.metadata

    @property
    def payload(self) -> Json:
        """The `event_payload` of its metadata; empty without metadata."""
        payload: Json = (self.metadata or {}).get("event_payload", {})
        return payload

    @property
    def edits(self) -> list[Edit]:
        """Its edits without the posting."""
        return self.history[1:]

    @property
    def posted_at(self) -> float:
        """When it was posted, Unix seconds."""
        return self.history[0].at

    @property
    def is_reply(self) -> bool:
        """Whether it is a reply in a thread."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def shown_text(self) -> str:
        """Every piece of text a person sees in it: text, then all texts within the blocks."""
        return "\n".join([self.text, *texts_within(list(self.blocks))])

    def elements(self) -> list[Json]:
        """The interactive elements of its blocks, each with the `block_id` of its block."""
        return elements_within(self.blocks)

    def as_json(self, team: str, *, with_metadata: bool = True) -> Json:
        """The message as the Web API shows it."""
        shown: Json = {"type": "message", "user": self.user, "ts": self.ts, "team": team}
        shown |= self.content.as_json(with_metadata=with_metadata)
        if self.bot_id is not None:
            shown |= {"bot_id": self.bot_id, "app_id": self.app_id}
        if self.thread_ts is not None:
            shown["thread_ts"] = self.thread_ts
        if self.edits:
            shown["edited"] = {"user": self.user, "ts": f"{self.edits[-1].at:.6f}"}
        if self.files:
            shown["files"] = [file.as_json() for file in self.files]
        return shown


def elements_of(block: Json) -> list[Json]:
    """The elements of one block that carry an `action_id`, in the order they are shown."""
    candidates = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
    return [each for each in candidates if isinstance(each, dict) and "action_id" in each]


def elements_within(blocks: Iterable[Json]) -> list[Json]:
    """The interactive elements of blocks, each with the `block_id` of their block."""
    return [
        element | {"block_id": block.get("block_id", "")}
        for block in blocks
        for element in elements_of(block)
    ]


def texts_within(value: object) -> list[str]:
    """Every `text` string found in a JSON value, in document order."""
    if isinstance(value, list):
        return [text for item in value for text in texts_within(item)]
    if not isinstance(value, dict):
        return []
    own = value.get("text")
    found = [own] if isinstance(own, str) else []
    return found + [text for item in value.values() for text in texts_within(item)]


@dataclass
class File:
    """An uploaded file; `channels` is empty until the upload was completed."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    alt_text: str = ""
    channels: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        """The file as the Web API shows it."""
        shown = {"id": self.id, "name": self.name, "title": self.title, "size": self.length}
        link = f"{ADDRESS}files/{self.id}/{quote(self.name)}"
        return shown | {"alt_txt": self.alt_text, "permalink": link}


@dataclass
class View:
    """A modal or home tab shown to one user."""

    id: str
    user: str
    body: Json
    version: str
    app_id: str
    bot_id: str

    def as_json(self, team: str) -> Json:
        """The view as the Web API shows it."""
        own = {"id": self.id, "team_id": team, "hash": self.version}
        app = {"app_id": self.app_id, "bot_id": self.bot_id, "root_view_id": self.id}
        return self.body | own | app | {"state": {"values": {}}, "previous_view_id": None}


@dataclass
class Trigger:
    """The right to open a view for `user`, issued at `at`."""

    user: str
    at: float
    used: bool = False


ChangeKind = Literal[
    "posted",
    "edited",
    "deleted",
    "ephemeral",
    "file",
    "view",
    "call",
    "answered",
    "delivery",
    "acked",
    "connection",
]


@dataclass(frozen=True)
class WorkspaceChange:
    """One thing that became visible in the workspace.

    `kind` is `posted`, `edited` and `deleted` for messages, `ephemeral` for a message that only one
    user sees, `file`, `view`, `call` (the app called a method) and `answered` (that ended),
    `delivery` (a payload on its way to the app), `acked` (the app answered it, or failed to) and
    `connection` (a Socket Mode connection came or went). `message` is a copy of the message as of
    this change; `detail` holds the data of the other kinds.
    """

    kind: ChangeKind
    at: float
    message: Message | None = None
    detail: Json = field(default_factory=dict)


def snapshot(message: Message) -> Message:
    """A copy that later edits do not change."""
    return replace(message, history=list(message.history))

"""What a person does on the page, carried out on the emulator; answers are shown on the page."""

import re
from collections.abc import Iterable
from typing import Final

from playground.page import seen
from playground.page.invite import COMMAND, invite
from playground.slack import BOT_USER_ID, AppDelivery, Json, Message, SlackEmulator, User, View

FAILURES: Final = {
    "dispatch_failed": "The bot is not connected.",
    "operation_timeout": "The bot did not answer within three seconds.",
    "http_service_error": "The bot answered with an error.",
}


CODE: Final = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


class Refused(Exception):  # noqa: N818 - no error of the page's: an answer
    """An action that cannot be done; the text is the sentence that the person reads."""


class PageActions:
    """The actions of people on the page. `command` is the app's slash command with its `/`."""

    def __init__(self, slack: SlackEmulator, command: str) -> None:
        self._slack = slack
        self._workspace = slack.workspace
        self._command = command

    async def type(self, asked: Json) -> Json:
        """Send what was typed: `user`, `channel`, `text`, and `thread` within a thread."""
        user, channel = self._user(asked), self._channel(asked)
        text, thread = _text(asked, "text").strip(), _text(asked, "thread")
        if not text:
            raise Refused("There is nothing to send.")
        if not text.startswith("/"):
            stored = as_stored(text, self._workspace.users.values())
            self._workspace.say(user, channel, stored, thread_ts=thread or None)
            return {}
        word, _, rest = text.partition(" ")
        if thread:
            name = f"@{self._workspace.bot.name}"
            raise Refused(f"Slash commands do not work in threads. Try {name} {rest}".rstrip())
        if word == COMMAND:
            if why := invite(self._workspace, channel, user, rest.strip()):
                raise Refused(why)
            return {}
        if word != self._command:
            raise Refused(f"{word} is not a command here. Try {self._command}.")
        sent = await self._slack.command(word, rest.strip(), user=user, channel=channel)
        _check(sent, word)
        return {}

    async def press(self, asked: Json) -> Json:
        """Use an element of a message (`channel`, `ts`) or of a view (`view`).

        `values` is what was filled in beside it.
        """
        user, action = self._user(asked), _text(asked, "action_id")
        if action.startswith(seen.TRY):
            raise Refused("The page types that command itself.")
        value = _text(asked, "value") if asked.get("value") is not None else None
        block = _text(asked, "block_id")
        try:
            if asked.get("view"):
                view = self._view(asked)
                sent = await self._slack.press_in_view(view, action, block_id=block, value=value)
            else:
                sent = await self._slack.press(
                    self._message(asked, user), action, user=user, block_id=block, value=value,
                    values=asked.get("values") or {},
                )  # fmt: skip
        except LookupError:
            raise Refused("That is no longer available.") from None
        _check(sent, "The button")
        return {}

    async def submit(self, asked: Json) -> Json:
        """Submit a modal (`view`, `values`); returns the app's `errors` by block id, if any."""
        view = self._view(asked)
        sent = await self._slack.submit(view, asked.get("values") or {})
        _check(sent, "The dialog")
        answer = sent.body if isinstance(sent.body, dict) else {}
        if answer.get("response_action") == "errors":
            return {"errors": answer.get("errors") or {}}
        if answer.get("response_action") == "update":
            view.body = answer["view"]
            self._workspace.emit("view", id=view.id, user=view.user, type=view.body["type"])
            return {}
        self._close(view)
        return {}

    async def close(self, asked: Json) -> Json:
        """Close a modal without submitting it."""
        self._close(self._view(asked))
        return {}

    async def home(self, asked: Json) -> Json:
        """Open the App Home: the app gets the event and publishes the tab."""
        user = self._user(asked)
        tab = next((v for v in self._workspace.views.values() if _is_home(v, user)), None)
        direct = self._workspace.open_direct([user])
        event: Json = {"type": "app_home_opened", "user": user, "channel": direct.id}
        event |= {"tab": "home", "event_ts": self._workspace.next_ts()}
        sent = await self._slack.event(event | ({"view": seen.view(tab)} if tab else {}))
        _check(sent, "The App Home")
        return {}

    def _close(self, view: View) -> None:
        self._workspace.views.pop(view.id, None)
        self._workspace.emit("view", id=view.id, user=view.user, type=view.body["type"])

    def _user(self, asked: Json) -> str:
        user = self._workspace.users.get(_text(asked, "user"))
        if user is None or user.id == BOT_USER_ID:
            raise Refused("That person does not exist.")
        return user.id

    def _channel(self, asked: Json) -> str:
        channel = self._workspace.channels.get(_text(asked, "channel"))
        if channel is None or not seen.sees_channel(channel, self._user(asked)):
            raise Refused("That channel does not exist.")
        return channel.id

    def _view(self, asked: Json) -> View:
        view = self._workspace.views.get(_text(asked, "view"))
        if view is None or view.user != self._user(asked):
            raise Refused("That dialog is closed.")
        return view

    def _message(self, asked: Json, user: str) -> Message:
        channel, ts = _text(asked, "channel"), _text(asked, "ts")
        private = (m for m in self._workspace.shown_to(user) if (m.channel, m.ts) == (channel, ts))
        said = self._workspace.messages.get((channel, ts)) or next(private, None)
        if said is None or not seen.sees_message(self._workspace, said, user):
            raise Refused("That message is no longer available.")
        return said


def _is_home(view: View, user: str) -> bool:
    return view.user == user and view.body["type"] == "home"


def _check(sent: AppDelivery, what: str) -> None:
    if not sent.ok:
        why = FAILURES.get(sent.error, "Slack did not take the bot's answer.")
        raise Refused(f"{what} failed with the error “{sent.error}”. {why}")


def as_stored(text: str, users: Iterable[User]) -> str:
    """Text as Slack stores it: `&`, `<` and `>` escaped, and `@name` a mention, unless in code."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    ids = {user.name: user.id for user in users}
    named = re.compile(rf"(?<![\w@])@({'|'.join(map(re.escape, ids))})(?![\w-])")
    parts = CODE.split(escaped)
    for at in range(0, len(parts), 2):
        parts[at] = named.sub(lambda found: f"<@{ids[found[1]]}>", parts[at])
    return "".join(parts)


def _text(asked: Json, name: str) -> str:
    value = asked.get(name)
    return value if isinstance(value, str) else ""

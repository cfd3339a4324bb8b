"""The methods that read: `conversations.*`, `users.*`, `usergroups.*`, `auth.test`, `api.test`."""

from typing import Final

from playground.slack.chat import visible_channel
from playground.slack.model import ADDRESS, Channel, Json, Message
from playground.slack.refusals import Refusal
from playground.slack.web_api import Call, Method
from playground.slack.workspace import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID

READ: Final = frozenset({"channels:read", "groups:read", "im:read"})
HISTORY: Final = frozenset({"channels:history", "groups:history", "im:history"})
DEFAULT_LIMIT: Final = 100
MOST_REPLY_USERS: Final = 5
HIGHEST_LIMIT: Final = 999


def api_test(call: Call) -> Json:
    """`api.test`: returns the arguments, or the requested error."""
    if "error" in call.arguments:
        raise Refusal(call.arguments.text("error"))
    return {"args": dict(call.arguments)}


def auth_test(call: Call) -> Json:
    """`auth.test`."""
    organization = call.workspace.enterprise
    return ({"enterprise_id": organization} if organization else {}) | {
        "url": ADDRESS,
        "team": "Emulated",
        "user": call.workspace.bot.name,
        "team_id": TEAM_ID,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "is_enterprise_install": False,
    }


def info(call: Call) -> Json:
    """`conversations.info`."""
    channel = visible_channel(call, call.arguments.required("channel"))
    return {"channel": channel.as_json(BOT_USER_ID)}


def open_conversation(call: Call) -> Json:
    """`conversations.open` with `users`, a comma-separated list."""
    users = [user for user in call.arguments.required("users").split(",") if user]
    for user in users:
        if user not in call.workspace.users:
            raise Refusal("user_not_found")
    return {"channel": {"id": call.workspace.open_direct(users).id}}


def history(call: Call) -> Json:
    """`conversations.history`: newest first, without replies that were not sent to the channel."""
    channel = _readable(call)
    messages = [
        message
        for message in reversed(call.workspace.in_channel(channel.id))
        if not message.is_reply or message.broadcast
    ]
    return _page(call, [each for each in messages if _within(call, each)])


def replies(call: Call) -> Json:
    """`conversations.replies`: the first message of a thread and its replies, oldest first.

    The replies stay when the first message is deleted.
    """
    channel = _readable(call)
    ts = call.arguments.required("ts")
    thread = call.workspace.in_thread(channel.id, ts)
    if not thread:
        raise Refusal("thread_not_found")
    return _page(call, [m for m in thread if m.ts == ts or _within(call, m)])


def _readable(call: Call) -> Channel:
    channel = visible_channel(call, call.arguments.required("channel"))
    if BOT_USER_ID not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _within(call: Call, message: Message) -> bool:
    oldest = call.arguments.text("oldest") or "0"
    latest = call.arguments.text("latest") or "inf"
    if call.arguments.flag("inclusive"):
        return float(oldest) <= float(message.ts) <= float(latest)
    return float(oldest) < float(message.ts) < float(latest)


def _page(call: Call, messages: list[Message]) -> Json:
    limit = call.arguments.number("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= HIGHEST_LIMIT:
        raise Refusal("invalid_limit")
    start = _cursor(call)
    shown = [_as_json(call, message) for message in messages[start : start + limit]]
    more = start + limit < len(messages)
    following = {"next_cursor": f"next:{start + limit}" if more else ""}
    return {"messages": shown, "has_more": more, "response_metadata": following}


def _cursor(call: Call) -> int:
    text = call.arguments.text("cursor")
    number = text.removeprefix("next:") or "0"
    if not number.isdigit():
        raise Refusal("invalid_cursor")
    return int(number)


def _as_json(call: Call, message: Message) -> Json:
    with_metadata = call.arguments.flag("include_all_metadata")
    shown = message.as_json(TEAM_ID, with_metadata=with_metadata)
    thread = call.workspace.in_thread(message.channel, message.ts)
    if len(thread) > 1 and not message.is_reply:
        shown |= {"thread_ts": message.ts, "reply_count": len(thread) - 1}
        shown["latest_reply"] = thread[-1].ts
        shown["reply_users"] = sorted({each.user for each in thread[1:]})[:MOST_REPLY_USERS]
    return shown


def user_info(call: Call) -> Json:
    """`users.info`."""
    user = call.workspace.users.get(call.arguments.required("user"))
    if user is None:
        raise Refusal("user_not_found")
    return {"user": user.as_json(TEAM_ID)}


def usergroup_users(call: Call) -> Json:
    """`usergroups.users.list`."""
    users = call.workspace.usergroups.get(call.arguments.required("usergroup"))
    if users is None:
        raise Refusal("no_such_subteam")
    return {"users": users}


METHODS: Final = {
    "api.test": Method(api_test, anonymous=True),
    "auth.test": Method(auth_test),
    "conversations.info": Method(info, READ),
    "conversations.open": Method(open_conversation, frozenset({"im:write"})),
    "conversations.history": Method(history, HISTORY),
    "conversations.replies": Method(replies, HISTORY),
    "users.info": Method(user_info, frozenset({"users:read"})),
    "usergroups.users.list": Method(usergroup_users, frozenset({"usergroups:read"})),
}

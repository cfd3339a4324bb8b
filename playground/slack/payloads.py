"""The payloads that Slack sends to an app, as values."""

from collections.abc import Iterable, Mapping
from typing import Any

from playground.slack.model import Channel, Json, Message, User, View
from playground.slack.workspace import APP_ID, BOT_USER_ID, TEAM_ID

TEAM_DOMAIN = "emulated"


def _common(token: str) -> Json:
    return {"token": token, "api_app_id": APP_ID, "is_enterprise_install": False}


def command_payload(
    token: str,
    command: str,
    text: str,
    user: User,
    channel: Channel,
    *,
    trigger_id: str,
    response_url: str,
) -> Json:
    """A slash command, with the workspace of the person."""
    organization = {"enterprise_id": user.enterprise} if user.enterprise else {}
    return (
        organization
        | _common(token)
        | {
            "team_id": user.team or TEAM_ID,
            "team_domain": "elsewhere" if user.team else TEAM_DOMAIN,
            "channel_id": channel.id,
            "channel_name": "directmessage" if channel.is_direct else channel.name,
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "trigger_id": trigger_id,
            "response_url": response_url,
        }
    )


def _interaction(token: str, kind: str, user: User, trigger_id: str) -> Json:
    return _common(token) | {
        "type": kind,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": user.team or TEAM_ID,
        },
        "trigger_id": trigger_id,
    }


def block_actions_payload(
    token: str,
    message: Message,
    action: Json,
    user: User,
    channel: Channel,
    *,
    trigger_id: str,
    response_url: str,
    values: Mapping[str, Any],
) -> Json:
    """A click on an element of a message; Slack does not include an ephemeral message.

    `values` is what the person filled in, in the form of Slack's own `state.values`.
    """
    ephemeral = message.only_for is not None
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if message.is_reply:
        container["thread_ts"] = message.thread_ts
    payload = _interaction(token, "block_actions", user, trigger_id) | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": _state(message.blocks, values)},
        "response_url": response_url,
        "actions": [action],
    }
    return payload if ephemeral else payload | {"message": message.as_json(TEAM_ID)}


def _state(blocks: Iterable[Json], values: Mapping[str, Any]) -> Json:
    """The state of a message's inputs: as filled in, else as they are at first."""
    state: Json = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            first = {"type": element["type"], "value": element.get("initial_value")}
            filled = values.get(block["block_id"], {}).get(element["action_id"], first)
            state[block["block_id"]] = {element["action_id"]: dict(filled)}
    return state


def view_actions_payload(
    token: str, view: View, action: Json, user: User, *, trigger_id: str
) -> Json:
    """A click on an element of a modal or a home tab: without channel, message or response URL."""
    return _interaction(token, "block_actions", user, trigger_id) | {
        "container": {"type": "view", "view_id": view.id},
        "view": view.as_json(TEAM_ID),
        "actions": [action],
    }


def action_of(element: Json, action_ts: str, value: str | None) -> Json:
    """The data of a used element; `value` is the chosen option, if any."""
    action = {"action_id": element["action_id"], "block_id": element["block_id"]}
    action |= {"type": element["type"], "action_ts": action_ts}
    if value is not None:
        return action | {"selected_option": _option(element, value)}
    for part in ("text", "value", "url"):
        if part in element:
            action[part] = element[part]
    return action


def _option(element: Json, value: str) -> Json:
    groups: Iterable[Json] = element.get("option_groups", ())
    options = [*element.get("options", ()), *(o for g in groups for o in g["options"])]
    for option in options:
        if option["value"] == value:
            return dict(option)
    raise LookupError(f"{element['action_id']} has no option {value!r}")


def view_submission_payload(
    token: str, view: View, values: Mapping[str, Any], user: User, *, trigger_id: str
) -> Json:
    """A submitted modal; `values` is Slack's own `state.values`."""
    body = view.as_json(TEAM_ID) | {"state": {"values": dict(values)}}
    submission = _interaction(token, "view_submission", user, trigger_id)
    return submission | {"view": body, "response_urls": []}


def event_payload(
    token: str, event: Json, event_id: str, event_time: int, *, shared: bool = False
) -> Json:
    """An Events API callback; `shared` says whether it is from a channel of Slack Connect."""
    authorizations = [
        {"enterprise_id": None, "team_id": TEAM_ID, "user_id": BOT_USER_ID, "is_bot": True}
    ]
    return _common(token) | {
        "team_id": TEAM_ID,
        "type": "event_callback",
        "event": event,
        "event_id": event_id,
        "event_time": event_time,
        "authorizations": authorizations,
        "is_ext_shared_channel": shared,
    }

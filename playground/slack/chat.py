"""The methods `chat.*`."""

from dataclasses import replace
from typing import Final

from playground.slack.limits import (
    MESSAGE_TEXT,
    UPDATE_TEXT,
    check_blocks,
    check_content,
    check_metadata,
    check_size,
    is_list_of_objects,
)
from playground.slack.model import Channel, Content, Json, Message
from playground.slack.refusals import Refusal
from playground.slack.web_api import Call, Method, StructureCheck
from playground.slack.workspace import BOT_USER_ID, TEAM_ID, Workspace

WRITE: Final = frozenset({"chat:write"})


def channel_to_write(call: Call) -> Channel:
    """The channel of a call, if the bot may write there; otherwise refused as Slack does.

    For the bot, a private channel that it is not in does not exist.
    """
    channel = visible_channel(call, call.arguments.required("channel"))
    if channel.is_archived:
        raise Refusal("is_archived")
    if BOT_USER_ID not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def visible_channel(call: Call, reference: str) -> Channel:
    """The channel of an id or name, if the bot can see it."""
    channel = call.workspace.channel_named(reference)
    if channel is None or (channel.is_private and BOT_USER_ID not in channel.members):
        raise Refusal("channel_not_found")
    return channel


def with_block_ids(blocks: list[Json], workspace: Workspace) -> tuple[Json, ...]:
    """The blocks, each with a block id: Slack adds one where the app gave none."""
    return tuple({"block_id": f"b{workspace.number()}"} | block for block in blocks)


def checked_blocks(
    blocks: list[Json], structure: StructureCheck, workspace: Workspace
) -> tuple[Json, ...]:
    """Blocks as Slack stores them; raises `Refusal` for what Slack refuses."""
    breaches = check_blocks(blocks) or structure(blocks)
    if breaches:
        raise Refusal("invalid_blocks", *breaches)
    return with_block_ids(blocks, workspace)


def content_of(call: Call, previous: Content | None = None) -> Content:
    """The content of a call; fields that it omits stay as in `previous`.

    Text alone does not remove blocks, an empty list does; empty metadata removes the metadata.
    """
    arguments = call.arguments
    content = replace(previous or Content())
    if "text" in arguments:
        content = replace(content, text=arguments.text("text"))
    blocks = arguments.objects("blocks", "invalid_blocks_format")
    if blocks is not None:
        kept = checked_blocks(blocks, call.structure, call.workspace)
        check_size(blocks)
        content = replace(content, blocks=kept)
    return _with_the_rest(call, content)


def _with_the_rest(call: Call, content: Content) -> Content:
    attachments = call.arguments.objects("attachments", "invalid_attachments")
    if attachments is not None:
        for attachment in attachments:
            blocks = attachment.get("blocks", [])
            if not is_list_of_objects(blocks):
                raise Refusal("invalid_attachments")
            checked_blocks(blocks, call.structure, call.workspace)
        content = replace(content, attachments=tuple(attachments))
    metadata = call.arguments.structure("metadata", "invalid_metadata_format")
    if metadata is not None and metadata != {}:
        check_metadata(metadata)
    return content if metadata is None else replace(content, metadata=metadata or None)


def post_message(call: Call) -> Json:
    """`chat.postMessage`; a user id as channel opens the direct conversation."""
    recipient = call.workspace.users.get(call.arguments.text("channel"))
    if recipient is None:
        channel = channel_to_write(call)
    else:
        channel = call.workspace.open_direct([recipient.id])
    content = content_of(call)
    check_content(content, MESSAGE_TEXT)
    message = call.workspace.post(
        channel.id,
        content,
        thread_ts=thread_of(call, channel),
        broadcast=call.arguments.flag("reply_broadcast"),
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(TEAM_ID)}


def thread_of(call: Call, channel: Channel) -> str | None:
    """The thread to answer in; refused if there is no such message."""
    ts = call.arguments.text("thread_ts")
    if not ts:
        return None
    parent = call.workspace.messages.get((channel.id, ts))
    if parent is None:
        raise Refusal("thread_not_found")
    return parent.thread_ts or ts


def post_ephemeral(call: Call) -> Json:
    """`chat.postEphemeral`; in a thread that has no replies yet, Slack shows it to nobody."""
    channel = channel_to_write(call)
    user = call.arguments.required("user")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    content = content_of(call)
    check_content(content, MESSAGE_TEXT)
    thread = call.arguments.text("thread_ts") or None
    if thread and len(call.workspace.in_thread(channel.id, thread)) < 2:
        return {"message_ts": call.workspace.next_ts()}
    message = call.workspace.show(channel.id, content, only_for=user, thread_ts=thread)
    return {"message_ts": message.ts}


def update(call: Call) -> Json:
    """`chat.update`; takes channel ids only, and the bot's own messages only."""
    message = _own_message(call, "cant_update_message")
    window = call.workspace.edit_window
    if window is not None and call.workspace.clock() - message.posted_at > window:
        raise Refusal("edit_window_closed")
    content = content_of(call, message.content)
    check_content(content, UPDATE_TEXT if "text" in call.arguments else MESSAGE_TEXT)
    call.workspace.edit(message, content)
    shown = message.as_json(TEAM_ID)
    return {"channel": message.channel, "ts": message.ts, "text": content.text, "message": shown}


def delete(call: Call) -> Json:
    """`chat.delete`."""
    message = _own_message(call, "cant_delete_message")
    call.workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def _own_message(call: Call, refusal: str) -> Message:
    channel = call.arguments.required("channel")
    ts = call.arguments.required("ts")
    if channel not in call.workspace.channels:
        raise Refusal("channel_not_found")
    if visible_channel(call, channel).is_archived:
        raise Refusal(refusal if call.method == "chat.delete" else "is_inactive")
    message = call.workspace.messages.get((channel, ts))
    if message is None:
        raise Refusal("message_not_found")
    if message.user != BOT_USER_ID:
        raise Refusal(refusal)
    return message


METHODS: Final = {
    "chat.postMessage": Method(post_message, WRITE),
    "chat.postEphemeral": Method(post_ephemeral, WRITE),
    "chat.update": Method(update, WRITE),
    "chat.delete": Method(delete, WRITE),
}

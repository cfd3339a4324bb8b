"""Addresses of messages, built as Slack does (https://docs.slack.dev/reference/methods/chat.getPermalink).

No call is needed: the workspace's address is known from ``auth.test``.
"""

from __future__ import annotations


def permalink(workspace: str, channel: str, ts: str, thread: str = "") -> str:
    """The address of a message, "" if a part of it is unknown.

    ``workspace`` is the address of the workspace. ``thread`` is the ts of the message that the
    thread belongs to, "" for a message of the channel itself.
    """
    if not (workspace and channel and ts):
        return ""
    address = f"{workspace.rstrip('/')}/archives/{channel}/p{ts.replace('.', '')}"
    if thread in {"", ts}:
        return address
    return f"{address}?thread_ts={thread}&cid={channel}"

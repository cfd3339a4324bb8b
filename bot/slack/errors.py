"""Translates Slack's error codes into the bot's errors.

The codes are those in the error tables of Slack's method pages
(https://docs.slack.dev/reference/methods/chat.postMessage).
"""

from __future__ import annotations

from typing import Final

from bot.domain.errors import (
    CannotPostError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    MessageGoneError,
)

CLOSED: Final = frozenset(
    {"not_in_channel", "channel_not_found", "user_not_in_channel", "channel_is_limited_access"}
)
"""The conversation exists, but the bot (or the person) is not in it."""

RESTRICTED: Final = frozenset(
    {
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
        "as_user_not_supported",
        "ekm_access_denied",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "no_permission",
    }
)
GONE: Final = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
)
LOGIN: Final = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "team_access_not_granted",
        "access_denied",
        "org_login_required",
        "enterprise_is_restricted",
        "app_is_disabled",
    }
)
PASSING: Final = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "accesslimited",
        "team_added_to_org",
        "message_limit_exceeded",
    }
)
"""Temporary problems of Slack: the same call may work later."""

LAYOUT: Final = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "metadata_too_large",
        "invalid_metadata_format",
        "invalid_metadata_schema",
    }
)
"""Slack rejects the message's form; its plain text may be accepted."""


class RateLimitedError(ChatUnavailableError):
    """Slack did not process the call and asks to wait ``retry_after`` seconds."""

    def __init__(self, method: str, retry_after: float) -> None:
        super().__init__(f"Slack asks to wait {retry_after:.0f} s before the next {method}.")
        self.retry_after = retry_after


class NotSentError(ChatUnavailableError):
    """The call never reached Slack, so repeating it cannot duplicate its effect."""


class LayoutError(ChatError):
    """Slack rejected the message's blocks, text or metadata."""


def refusal(method: str, word: str, *, bot_name: str = "", needed: str = "") -> ChatError:
    """The error for Slack's answer ``{"ok": false, "error": word}`` to ``method``.

    ``bot_name`` is the name to type after ``/invite @``; ``needed`` is the scope from
    ``missing_scope``.
    """
    if word == "missing_scope":
        return _missing_scope(method, needed)
    if word in LOGIN:
        return ChatLoginError(
            f"Slack does not accept the bot's token ({word}).",
            hint="Reinstall the app in Slack and set the new token.",
        )
    if word in PASSING:
        return ChatUnavailableError(f"Slack failed on {method} ({word}).")
    if word in LAYOUT:
        return LayoutError(f"Slack rejected this message ({method}: {word}).")
    return _cannot_post(method, word, bot_name) or ChatError(f"Slack refused {method}: {word}.")


def _missing_scope(method: str, needed: str) -> ChatLoginError:
    scope = f"the scope {needed}" if needed else "a scope"
    return ChatLoginError(
        f"The Slack app lacks {scope} for {method}.",
        hint="Add it in the app's settings (slack-manifest.yml has them all) and reinstall "
        "the app.",
    )


def _cannot_post(method: str, word: str, bot_name: str) -> CannotPostError | None:
    if word in CLOSED:
        return CannotPostError(
            f"I am not in that conversation ({word}).",
            hint=f"Invite me there with `/invite @{bot_name or 'the bot'}` and try again.",
        )
    if word == "is_archived":
        return CannotPostError(
            "That channel is archived.", hint="Unarchive it or use another channel."
        )
    if word in RESTRICTED:
        return CannotPostError(
            f"Posting is restricted in that channel ({word}).",
            hint="Ask a workspace admin to let me post there, or use another channel.",
        )
    if word in GONE:
        return MessageGoneError(
            f"That message can no longer be edited ({method}: {word}).",
            hint="It was deleted, or the workspace's time limit for edits has passed.",
        )
    return None

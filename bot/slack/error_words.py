"""The error words of every method that the bot calls, and what the bot does about each.

One table classifies Slack's answers, and the playground's Slack refuses with its words only. The
words are those of the error tables on Slack's reference pages; each method names its page. Words
that Slack answers without listing them are in ``UNLISTED``. docs/slack-errors.md shows the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Reaction(Enum):
    """What the bot does about an error word. The value is a sentence for the documents."""

    RETRY = "Slack has a temporary problem: the bot tries again, with longer and longer pauses."
    LOGIN = "The token does not work: the log and `check` say which; the bot tries again."
    SCOPE = "The token lacks a scope: the bot names it and tries again."
    LAYOUT = "Slack rejects the form of the message: the bot sends its text alone."
    ABSENT = "The bot or the person is not in the conversation: the bot asks for an invitation."
    ARCHIVED = "The channel is archived or frozen: the person gets a direct message instead."
    RESTRICTED = "Posting is restricted there: the person gets a direct message instead."
    GONE = "That message can no longer be edited or answered: the bot posts it again."
    PERSON = "Slack does not let the bot write to that person: only the log has it."
    FILE = "Slack does not take the file: the message says so and appears without it."
    GROUP = (
        "The user group of `BOT_OPERATORS` cannot be read: only people named by id are operators."
    )
    UNKNOWN_PERSON = "Slack does not know the person or hides them: they count as from elsewhere."
    HOME = "The app has no Home tab: the bot leaves it alone until somebody opens it again."
    CALL = "The call itself is wrong: the bot reports it once in the log and does not repeat it."


@dataclass(frozen=True, slots=True)
class MethodErrors:
    """One method's error words. ``page`` is its reference page, ``words`` are its own words.

    The words in ``COMMON`` are on every page. ``words`` also has those common words that mean
    something else for this method.
    """

    page: str
    words: Mapping[str, Reaction]


def _all(reaction: Reaction, words: str) -> dict[str, Reaction]:
    return dict.fromkeys(words.split(), reaction)


def _method(name: str, *parts: Mapping[str, Reaction]) -> MethodErrors:
    words = {word: reaction for part in parts for word, reaction in part.items()}
    page = f"https://docs.slack.dev/reference/methods/{name}"
    return MethodErrors(page, MappingProxyType(words))


COMMON: Final[Mapping[str, Reaction]] = MappingProxyType(
    _all(
        Reaction.RETRY,
        "fatal_error internal_error org_login_required ratelimited request_timeout "
        "service_unavailable team_added_to_org",
    )
    | _all(
        Reaction.LOGIN,
        "accesslimited account_inactive enterprise_is_restricted invalid_auth "
        "not_allowed_token_type not_authed team_access_not_granted token_expired token_revoked "
        "two_factor_setup_required",
    )
    | _all(Reaction.SCOPE, "missing_scope")
    | _all(Reaction.RESTRICTED, "access_denied ekm_access_denied no_permission")
    | _all(
        Reaction.CALL,
        "deprecated_endpoint invalid_arg_name invalid_arguments invalid_array_arg invalid_charset "
        "invalid_form_data invalid_post_type method_deprecated missing_post_type",
    )
)
"""The words on the page of every method."""

_NO_CHANNEL: Final = _all(Reaction.LOGIN, "access_denied ekm_access_denied no_permission")
"""Where a method concerns no channel, these words can only concern the token."""
_FORM: Final = _all(
    Reaction.LAYOUT,
    "invalid_arguments invalid_blocks invalid_blocks_format markdown_text_conflict "
    "too_many_attachments",
)
_METADATA: Final = _all(
    Reaction.LAYOUT,
    "invalid_metadata_format invalid_metadata_schema metadata_must_be_sent_from_app "
    "metadata_too_large",
)
_SHARING: Final = _all(
    Reaction.RESTRICTED,
    "slack_connect_canvas_sharing_blocked slack_connect_file_link_sharing_blocked",
)

METHODS: Final[Mapping[str, MethodErrors]] = MappingProxyType(
    {
        "apps.connections.open": _method(
            "apps.connections.open",
            _NO_CHANNEL,
            _all(Reaction.LOGIN, "forbidden_team missing_args"),
            _all(Reaction.CALL, "insecure_request"),
        ),
        "auth.test": _method("auth.test", _NO_CHANNEL),
        "chat.postEphemeral": _method(
            "chat.postEphemeral",
            _FORM,
            _all(Reaction.LAYOUT, "invalid_attachments msg_too_long"),
            _all(Reaction.ABSENT, "channel_not_found not_in_channel user_not_in_channel"),
            _all(Reaction.ARCHIVED, "is_archived"),
            _all(Reaction.RESTRICTED, "messages_tab_disabled restricted_action"),
            _all(Reaction.GONE, "cannot_reply_to_message"),
            _all(Reaction.RETRY, "message_limit_exceeded"),
            _all(Reaction.CALL, "no_text"),
        ),
        "chat.postMessage": _method(
            "chat.postMessage",
            _FORM,
            _METADATA,
            _SHARING,
            _all(
                Reaction.LAYOUT,
                "attachment_payload_limit_exceeded missing_file_data msg_blocks_too_long "
                "too_many_contact_cards",
            ),
            _all(Reaction.ABSENT, "channel_not_found not_in_channel team_not_found"),
            _all(Reaction.ARCHIVED, "is_archived"),
            _all(
                Reaction.RESTRICTED,
                "as_user_not_supported messages_tab_disabled restricted_action "
                "restricted_action_read_only_channel restricted_action_thread_only_channel "
                "slack_connect_lists_sharing_blocked",
            ),
            _all(
                Reaction.GONE,
                "cannot_reply_to_message restricted_action_non_threadable_channel "
                "restricted_action_thread_locked",
            ),
            _all(Reaction.RETRY, "message_limit_exceeded rate_limited"),
            _all(
                Reaction.CALL,
                "draft_already_deleted draft_already_sent draft_has_conflict draft_not_found "
                "duplicate_channel_not_found duplicate_message_not_found no_text",
            ),
        ),
        "chat.update": _method(
            "chat.update",
            _FORM,
            _METADATA,
            _SHARING,
            _all(Reaction.LAYOUT, "block_mismatch invalid_attachments msg_too_long"),
            _all(Reaction.ABSENT, "channel_not_found"),
            _all(Reaction.ARCHIVED, "is_inactive"),
            _all(
                Reaction.RESTRICTED,
                "as_user_not_supported posting_to_channel_denied slack_connect_blocked_file_type "
                "slack_connect_clip_sharing_blocked slack_connect_file_upload_sharing_blocked",
            ),
            _all(
                Reaction.GONE,
                "cant_update_message edit_window_closed message_not_found team_not_found",
            ),
            _all(
                Reaction.RETRY,
                "external_channel_migrating message_limit_exceeded streaming_state_conflict "
                "update_failed",
            ),
            _all(
                Reaction.CALL,
                "blocked_file_type cant_broadcast_message file_deleted file_is_deleted "
                "file_not_found file_share_limit_reached max_file_sharing_exceeded "
                "no_dual_broadcast_content_update no_text unable_to_share_files",
            ),
        ),
        "conversations.history": _method(
            "conversations.history",
            _all(Reaction.ABSENT, "channel_is_limited_access channel_not_found not_in_channel"),
            _all(
                Reaction.CALL,
                "invalid_cursor invalid_metadata_filter_keys invalid_ts_latest invalid_ts_oldest",
            ),
        ),
        "conversations.info": _method(
            "conversations.info",
            _all(Reaction.ABSENT, "channel_is_limited_access channel_not_found"),
        ),
        "conversations.open": _method(
            "conversations.open",
            _all(Reaction.ABSENT, "channel_not_found"),
            _all(
                Reaction.PERSON,
                "invalid_user_combination method_not_supported_for_channel_type user_disabled "
                "user_not_found user_not_visible",
            ),
            _all(Reaction.CALL, "not_enough_users too_many_users users_list_not_supplied"),
        ),
        "conversations.replies": _method(
            "conversations.replies",
            _all(Reaction.ABSENT, "channel_not_found"),
            _all(Reaction.GONE, "thread_not_found"),
            _all(Reaction.CALL, "invalid_cursor invalid_ts_latest invalid_ts_oldest"),
        ),
        "files.completeUploadExternal": _method(
            "files.completeUploadExternal",
            _all(
                Reaction.ABSENT,
                "channel_not_found invalid_channel not_in_channel",
            ),
            _all(Reaction.RESTRICTED, "posting_to_channel_denied"),
            _all(
                Reaction.FILE,
                "channels_limit_exceeded file_not_found file_update_failed invalid_blocks",
            ),
        ),
        "files.getUploadURLExternal": _method(
            "files.getUploadURLExternal",
            _NO_CHANNEL,
            _all(
                Reaction.FILE,
                "alt_txt_too_large file_upload_size_restricted file_uploads_disabled "
                "missing_argument snippet_too_large storage_limit_reached unknown_snippet_type "
                "unknown_subtype",
            ),
        ),
        "usergroups.users.list": _method(
            "usergroups.users.list",
            _NO_CHANNEL,
            _all(Reaction.GROUP, "no_such_subteam plan_upgrade_required"),
            _all(Reaction.CALL, "invalid_cursor"),
        ),
        "users.info": _method(
            "users.info",
            _NO_CHANNEL,
            _all(Reaction.UNKNOWN_PERSON, "user_not_found user_not_visible"),
            _all(Reaction.CALL, "too_many_users"),
        ),
        "views.publish": _method(
            "views.publish",
            _NO_CHANNEL,
            _all(Reaction.LAYOUT, "invalid_arguments view_too_large"),
            _all(Reaction.HOME, "not_enabled"),
            _all(
                Reaction.CALL,
                "duplicate_external_id hash_conflict missing_profile_id not_implemented",
            ),
        ),
    }
)

UNLISTED: Final[Mapping[str, Mapping[str, Reaction]]] = MappingProxyType(
    {
        "chat.postMessage": _all(Reaction.GONE, "thread_not_found")
        | _all(Reaction.LAYOUT, "invalid_attachments msg_too_long")
        | _all(Reaction.PERSON, "cannot_dm_bot user_not_found"),
        "chat.update": _all(Reaction.ARCHIVED, "is_archived")
        | _all(Reaction.ABSENT, "not_in_channel")
        | _all(Reaction.LAYOUT, "msg_blocks_too_long"),
        "chat.postEphemeral": _all(Reaction.LAYOUT, "msg_blocks_too_long"),
        "conversations.history": _all(Reaction.CALL, "invalid_limit"),
        "conversations.replies": _all(Reaction.CALL, "invalid_limit invalid_metadata_filter_keys")
        | _all(Reaction.ABSENT, "channel_is_limited_access not_in_channel"),
        "files.completeUploadExternal": _all(Reaction.ARCHIVED, "is_archived")
        | _all(Reaction.GONE, "thread_not_found"),
        "views.publish": _all(Reaction.PERSON, "user_not_found"),
        "response_url": _all(
            Reaction.LAYOUT, "invalid_blocks invalid_payload no_text too_many_attachments"
        ),
    }
)
"""Words that Slack answers although the method's page does not list them.

Most were on the page before; ``thread_not_found`` is in slackapi/bolt-js#2307. Response URLs are no
method: any other word of theirs means that the answer has to go another way.
"""


_UNLISTED_COMMON: Final = _all(Reaction.CALL, "invalid_json json_not_object unknown_method")


def reaction_to(method: str, word: str) -> Reaction | None:
    """What the bot does about a method's error word, None if the word is not in the table."""
    errors = METHODS.get(method)
    own = errors.words.get(word) if errors else None
    own = own or UNLISTED.get(method, {}).get(word)
    return own or COMMON.get(word) or _UNLISTED_COMMON.get(word)


def words_of(method: str) -> Mapping[str, Reaction]:
    """Every word of a method, its own first."""
    own = METHODS[method].words
    return {**own, **{word: COMMON[word] for word in COMMON if word not in own}}

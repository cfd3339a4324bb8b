"""Translates Slack's error words into the bot's errors, as ``bot.slack.error_words`` has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from bot.domain.errors import (
    CannotPostError,
    ChatError,
    ChatLoginError,
    ChatUnavailableError,
    MessageGoneError,
)
from bot.slack.error_words import Reaction, reaction_to

SOCKET_METHOD: Final = "apps.connections.open"
"""The only method that is called with the app-level token."""


class RateLimitedError(ChatUnavailableError):
    """Slack did not process the call and asks to wait ``retry_after`` seconds."""

    def __init__(self, method: str, retry_after: float) -> None:
        super().__init__(f"Slack asks to wait {retry_after:.0f} s before the next {method}.")
        self.retry_after = retry_after


class NotSentError(ChatUnavailableError):
    """The call never reached Slack, so repeating it cannot duplicate its effect."""


class LayoutError(ChatError):
    """Slack rejected the message's blocks, text or metadata."""


class UnknownPersonError(ChatError):
    """Slack does not know a person, or hides them from the bot."""


def unreached(what: str, error: BaseException, proxy: str | None) -> NotSentError:
    """The error for a call that could not connect, with the reason where it is known.

    ``proxy`` is the URL of the proxy that the call used.
    """
    if _is_unknown_proxy(error, proxy):
        return NotSentError(
            f"{what}: the name of the proxy cannot be resolved (DNS).", hint=_PROXY_HINT
        )
    known = next((why for kind, why in _REASONS if isinstance(error, kind)), "")
    refused = isinstance(getattr(error, "os_error", error), ConnectionRefusedError)
    why = known or ("the connection was refused" if refused else "")
    hint = next((hint for kind, hint in _HINTS if isinstance(error, kind)), "")
    return NotSentError(f"{what}{f': {why}' if why else ''}.", hint=hint)


def no_json(method: str, status: int) -> ChatUnavailableError:
    """The error for an answer that is not one of Slack's Web API."""
    return ChatUnavailableError(
        f"The answer to {method} has no JSON (HTTP {status}), so it is not Slack's.",
        hint="Does a proxy, a firewall or a login page of the network answer instead?",
    )


def _is_unknown_proxy(error: BaseException, proxy: str | None) -> bool:
    """Whether the name that DNS does not know is the proxy's and not Slack's."""
    if not proxy or not isinstance(error, aiohttp.ClientConnectorDNSError):
        return False
    return error.host == urlsplit(proxy).hostname


_PROXY_HINT: Final = "Check HTTPS_PROXY and NO_PROXY."
_REASONS: Final = (
    (aiohttp.ClientConnectorDNSError, "its name cannot be resolved (DNS)"),
    (aiohttp.ClientProxyConnectionError, "the proxy does not answer"),
    (aiohttp.ClientHttpProxyError, "the proxy refuses the connection"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    (aiohttp.ClientSSLError, "TLS failed"),
    (aiohttp.ConnectionTimeoutError, "the connection timed out"),
)
_HINTS: Final = (
    (aiohttp.ClientConnectorDNSError, "Check the DNS server of the bot's container."),
    (aiohttp.ClientProxyConnectionError, _PROXY_HINT),
    (aiohttp.ClientHttpProxyError, _PROXY_HINT),
)


def refusal(method: str, word: str, *, bot_name: str = "", needed: str = "") -> ChatError:
    """The error for Slack's answer ``{"ok": false, "error": word}`` to ``method``.

    ``bot_name`` is the name to type after ``/invite @``; ``needed`` is the scope from
    ``missing_scope``. A word that is not in the table is a plain ChatError: the call is not
    repeated.
    """
    reaction = reaction_to(method, word)
    if reaction is Reaction.SCOPE:
        return _missing_scope(method, needed)
    if reaction is Reaction.ABSENT:
        return _absent(word, bot_name)
    make = _ERRORS.get(reaction) if reaction else None
    return make(method, word) if make else ChatError(f"Slack refused {method}: {word}.")


def _temporary(method: str, word: str) -> ChatError:
    return ChatUnavailableError(f"Slack failed on {method} ({word}).")


def _wrong_token(method: str, word: str) -> ChatError:
    if word == "accesslimited":
        return ChatLoginError(
            f"Slack does not accept calls from this network ({word}).",
            hint="Add the bot's address to the addresses that the workspace allows.",
        )
    if method == SOCKET_METHOD:
        return ChatLoginError(
            f"Slack does not accept the app-level token ({word}).",
            hint="Generate one under Basic Information, App-Level Tokens, with the scope "
            "connections:write, and set it as SLACK_APP_TOKEN.",
        )
    return ChatLoginError(
        f"Slack does not accept the bot's token ({word}).",
        hint="Reinstall the app in Slack and set the new token.",
    )


def _missing_scope(method: str, needed: str) -> ChatLoginError:
    scope = f"the scope {needed}" if needed else "a scope"
    if method == SOCKET_METHOD:
        return ChatLoginError(
            f"The app-level token lacks {scope} for {method}.",
            hint="Generate one with the scope connections:write and set it as SLACK_APP_TOKEN.",
        )
    return ChatLoginError(
        f"The Slack app lacks {scope} for {method}.",
        hint="Add it in the app's settings (slack-manifest.yml has them all) and reinstall "
        "the app.",
    )


def _wrong_layout(method: str, word: str) -> ChatError:
    return LayoutError(f"Slack rejected this message ({method}: {word}).")


def _absent(word: str, bot_name: str) -> ChatError:
    if word == "user_not_in_channel":
        return CannotPostError(
            f"That person is not in that conversation ({word}).",
            hint="The answer goes to their direct messages with the bot.",
        )
    return CannotPostError(
        f"I am not in that conversation ({word}).",
        hint=f"Invite me there with `/invite @{bot_name or 'the bot'}` and try again.",
    )


def _archived(method: str, word: str) -> ChatError:
    if method == "chat.update":
        return MessageGoneError(
            f"That message can no longer be edited: its channel is archived ({word}).",
            hint="Unarchive it or use another channel.",
        )
    return CannotPostError("That channel is archived.", hint="Unarchive it or use another channel.")


def _restricted(_method: str, word: str) -> ChatError:
    return CannotPostError(
        f"Posting is restricted in that channel ({word}).",
        hint="Ask a workspace admin to let me post there, or use another channel.",
    )


def _gone(method: str, word: str) -> ChatError:
    if method != "chat.update":
        return MessageGoneError(
            f"That message takes no replies ({method}: {word}).",
            hint="It was deleted, or its thread is locked.",
        )
    return MessageGoneError(
        f"That message can no longer be edited ({method}: {word}).",
        hint="It was deleted, or the workspace's time limit for edits has passed.",
    )


def _no_person(_method: str, word: str) -> ChatError:
    return CannotPostError(f"Slack does not let me write to that person ({word}).")


def _no_file(_method: str, word: str) -> ChatError:
    return ChatError(
        f"Slack did not accept the file ({word}).",
        hint="Ask a workspace admin whether apps may upload files.",
    )


def _unknown_person(_method: str, word: str) -> ChatError:
    return UnknownPersonError(f"Slack does not show that person ({word}).")


_ERRORS: Final[dict[Reaction, Callable[[str, str], ChatError]]] = {
    Reaction.RETRY: _temporary,
    Reaction.LOGIN: _wrong_token,
    Reaction.LAYOUT: _wrong_layout,
    Reaction.ARCHIVED: _archived,
    Reaction.RESTRICTED: _restricted,
    Reaction.GONE: _gone,
    Reaction.PERSON: _no_person,
    Reaction.FILE: _no_file,
    Reaction.UNKNOWN_PERSON: _unknown_person,
}
"""The errors of most reactions; the others are plain ChatErrors."""

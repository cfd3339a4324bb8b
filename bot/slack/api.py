"""Calls to Slack's Web API and to response URLs, one at a time, with errors translated.

After a 429 its method (for ``chat.postMessage``: in that channel) is blocked until ``Retry-After``
has passed; calls made before then fail here without reaching Slack.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.errors import ChatError, ChatUnavailableError
from bot.ports import Clock
from bot.slack.error_words import reaction_to
from bot.slack.errors import RateLimitedError, no_json, refusal, unreached
from bot.slack.transport import SLACK_API_URL, TIMEOUT, new_session, proxy_for, web_client

log = logging.getLogger(__name__)

DEFAULT_RETRY_AFTER: Final = 5.0
PER_CHANNEL: Final = frozenset({"chat.postMessage"})
READS: Final = frozenset(
    {
        "conversations.history",
        "conversations.info",
        "conversations.replies",
        "files.getUploadURLExternal",
        "usergroups.users.list",
        "users.info",
    }
)
"""Methods that do not accept JSON."""
TEXTS: Final = frozenset({"text", "alt_text", "initial_comment", "title"})
"""The keys of a request whose strings people read."""
UNREACHED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """The token's identity from ``auth.test``.

    ``name`` is the name to type to invite the bot; ``enterprise_id`` is "" for a workspace that
    does not belong to an Enterprise organization. ``url`` is the workspace's address.
    """

    team: str
    team_id: str
    user_id: str
    bot_id: str
    name: str
    scopes: frozenset[str]
    enterprise_id: str = ""
    url: str = ""


class SlackApi:
    """The Web API for one bot token. Use it in one event loop and close it at the end.

    ``hide`` is what every text goes through before it is sent.
    """

    def __init__(
        self,
        token: str,
        clock: Clock,
        base_url: str = SLACK_API_URL,
        timeout: float = TIMEOUT,
        *,
        hide: Callable[[str], str] = str,
    ) -> None:
        self.base_url = base_url
        self.hide = hide
        self.identity: BotIdentity | None = None
        self._token = token
        self._clock = clock
        self._timeout = timeout
        self._closed_until: dict[tuple[str, str], float] = {}
        self._closed = False
        self._unknown: set[tuple[str, str]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    async def close(self) -> None:
        """Close the connections; later calls fail."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
        self._session = self._client = None

    async def login(self) -> BotIdentity:
        """Ask Slack for the token's identity.

        Raises:
            ChatLoginError: Slack does not know the token.
            ChatUnavailableError: Slack does not answer.
        """
        answer = await self.call("auth.test")
        self.identity = BotIdentity(
            team=str(answer.get("team", "")),
            team_id=str(answer.get("team_id", "")),
            user_id=str(answer.get("user_id", "")),
            bot_id=str(answer.get("bot_id", "")),
            name=str(answer.get("user", "")),
            scopes=scopes_of(answer),
            enterprise_id=str(answer.get("enterprise_id") or ""),
            url=str(answer.get("url") or ""),
        )
        return self.identity

    async def open_socket(self, app_token: str) -> str:
        """A WebSocket address with a new ticket. Raises like ``login``."""
        answer = await self.call("apps.connections.open", token=app_token)
        return str(answer.get("url", ""))

    async def call(
        self, method: str, *, token: str | None = None, **arguments: object
    ) -> AsyncSlackResponse:
        """Make one call, without retries.

        Raises:
            RateLimitedError, NotSentError: nothing was done.
            ChatUnavailableError: it is unknown whether something was done.
            ChatError: Slack refused; the subclass is chosen by ``refusal``.
        """
        lane = (method, str(arguments.get("channel", "")) if method in PER_CHANNEL else "")
        self._mind(lane)
        try:
            return await self._send(method, token, arguments)
        except SlackApiError as error:
            raise self._translated(lane, error) from error
        except UNREACHED as error:
            proxy = proxy_for(self.base_url)
            raise unreached(f"Slack cannot be reached ({method})", error, proxy) from error
        except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
            raise ChatUnavailableError(f"Slack did not answer {method}.") from error

    async def respond(self, url: str, body: dict[str, Any]) -> bool:
        """Post to a response URL; False if Slack no longer accepts it there.

        Raises like ``call``.
        """
        lane = ("response_url", url)
        self._mind(lane)
        session = self._open()
        try:
            async with session.post(url, json=self._safe(body), proxy=proxy_for(url)) as answer:
                return self._heard(lane, answer, await answer.text())
        except aiohttp.InvalidURL:
            return False
        except UNREACHED as error:
            what = "Slack's response URL cannot be reached"
            raise unreached(what, error, proxy_for(url)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ChatUnavailableError("Slack did not answer at the response URL.") from error

    async def upload(self, url: str, content: bytes) -> None:
        """Upload a file to the address from Slack. Raises like ``call``."""
        session = self._open()
        try:
            async with session.post(url, data=content, proxy=proxy_for(url)) as answer:
                if answer.status >= 300:
                    raise ChatUnavailableError(
                        f"Slack did not accept the file (HTTP {answer.status})."
                    )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ChatUnavailableError("Slack did not accept the file: no answer.") from error

    def closed_for(self, method: str, channel: str = "") -> float:
        """Seconds that Slack requires before the next call of a method."""
        until = self._closed_until.get((method, channel), 0.0)
        return max(0.0, until - self._clock.now())

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise ChatError("The bot is shutting down.")
        if self._session is None:
            self._session = new_session(self._timeout)
        return self._session

    async def _send(
        self, method: str, token: str | None, arguments: dict[str, Any]
    ) -> AsyncSlackResponse:
        if self._client is None:
            self._client = web_client(self._token, self.base_url, self._open())
        if method in READS:
            return await self._client.api_call(method, http_verb="GET", params=arguments)
        other = {} if token is None else {"token": token}
        return await self._client.api_call(method, json=self._safe(arguments) | other)

    def _safe(self, part: Any) -> Any:  # noqa: ANN401 (any JSON)
        """A part of a request with its texts as ``hide`` makes them."""
        if isinstance(part, dict):
            return {
                key: self.hide(value) if key in TEXTS and isinstance(value, str)
                else self._safe(value)
                for key, value in part.items()
            }  # fmt: skip
        return [self._safe(each) for each in part] if isinstance(part, list | tuple) else part

    def _mind(self, lane: tuple[str, str]) -> None:
        wait = self.closed_for(*lane)
        if wait > 0:
            raise RateLimitedError(lane[0], wait)
        self._closed_until.pop(lane, None)

    def _limited(self, lane: tuple[str, str], retry_after: str | None) -> RateLimitedError:
        seconds, now = _seconds(retry_after), self._clock.now()
        still = {each: until for each, until in self._closed_until.items() if until > now}
        self._closed_until = still | {lane: now + seconds}
        return RateLimitedError(lane[0], seconds)

    def _translated(self, lane: tuple[str, str], error: SlackApiError) -> ChatError:
        method, response = lane[0], error.response
        status = _status_of(response)
        if status == 429:
            return self._limited(lane, response.headers.get("Retry-After"))
        body = _body_of(response)
        if status < 500 and not body:
            return no_json(method, status)
        if status >= 500:
            return ChatUnavailableError(f"Slack failed on {method} (HTTP {status}).")
        name = self.identity.name if self.identity else ""
        word, needed = str(body.get("error", "")), str(body.get("needed", ""))
        self._report(method, word)
        return refusal(method, word, bot_name=name, needed=needed)

    def _report(self, method: str, word: str) -> None:
        """Log each word that the table does not have, once."""
        if reaction_to(method, word) is None and (method, word) not in self._unknown:
            self._unknown.add((method, word))
            log.warning(
                "Slack refused %s with a word that this bot does not know: %s", method, word
            )

    def _heard(self, lane: tuple[str, str], answer: aiohttp.ClientResponse, text: str) -> bool:
        if answer.status == 429:
            raise self._limited(lane, answer.headers.get("Retry-After"))
        if answer.status >= 500:
            raise ChatUnavailableError(f"Slack's response URL failed (HTTP {answer.status}).")
        word = _error_word(text)
        if not word:
            return answer.status < 300
        if reaction_to("response_url", word) is None:
            return False
        raise refusal("response_url", word)


def scopes_of(answer: AsyncSlackResponse) -> frozenset[str]:
    """The scopes of the token, from an answer's headers."""
    headers = cast("dict[str, str]", answer.headers)
    named = {name.lower(): value for name, value in headers.items()}
    words = named.get("x-oauth-scopes", "").split(",")
    return frozenset(word.strip() for word in words if word.strip())


def _status_of(response: Any) -> int:  # noqa: ANN401 - the SDK's response or aiohttp's
    status: int | None = getattr(response, "status_code", None)
    return status if status is not None else int(getattr(response, "status", 0))


def _body_of(response: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK's response or aiohttp's
    data = getattr(response, "data", None)
    return data if isinstance(data, dict) else {}


def _seconds(retry_after: str | None) -> float:
    try:
        return max(1.0, float(retry_after or DEFAULT_RETRY_AFTER))
    except ValueError:
        return DEFAULT_RETRY_AFTER


def _error_word(text: str) -> str:
    try:
        body = json.loads(text)
    except ValueError:
        return ""
    return str(body.get("error", "")) if isinstance(body, dict) and not body.get("ok") else ""

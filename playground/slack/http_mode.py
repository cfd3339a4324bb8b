"""HTTP mode: Slack posts signed requests to the app's request URL.

The signature is HMAC-SHA256 over `v0:timestamp:body` with the signing secret, as Slack's page
"Verifying requests from Slack" describes.
"""

import hashlib
import hmac
from dataclasses import dataclass

import aiohttp

from playground.slack.refusals import Refusal


def signature(secret: str, timestamp: int, body: str) -> str:
    """The value of `X-Slack-Signature`."""
    base = f"v0:{timestamp}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class SignedRequest:
    """A request as it is sent; it can be sent again unchanged."""

    body: str
    content_type: str
    timestamp: int
    signature: str
    retry_attempt: int = 0
    retry_reason: str = "http_timeout"

    @classmethod
    def sign(cls, secret: str, timestamp: int, body: str, content_type: str) -> "SignedRequest":
        """A request signed with the secret at a time in Unix seconds."""
        return cls(body, content_type, timestamp, signature(secret, timestamp, body))

    @property
    def headers(self) -> dict[str, str]:
        """The headers that Slack sends."""
        headers = {
            "Content-Type": self.content_type,
            "User-Agent": "Slackbot 1.0",
            "X-Slack-Request-Timestamp": str(self.timestamp),
            "X-Slack-Signature": self.signature,
        }
        if self.retry_attempt:
            headers["X-Slack-Retry-Num"] = str(self.retry_attempt)
            headers["X-Slack-Retry-Reason"] = self.retry_reason
        return headers


@dataclass(frozen=True)
class HttpAnswer:
    """The app's answer: status, body and content type."""

    status: int
    text: str
    content_type: str


class HttpMode:
    """Sends signed requests to the app."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Make the session."""
        self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def send(self, url: str, request: SignedRequest, timeout: float) -> HttpAnswer:  # noqa: ASYNC109
        """Post a request and return the answer.

        Raises `Refusal` with `dispatch_failed` when the app cannot be reached, `TimeoutError` when
        it did not answer in time.
        """
        if self._session is None:
            raise RuntimeError("the emulator is not running")
        limit = aiohttp.ClientTimeout(total=timeout)
        try:
            async with self._session.post(
                url, data=request.body.encode(), headers=request.headers, timeout=limit
            ) as answer:
                return HttpAnswer(answer.status, await answer.text(), answer.content_type)
        except aiohttp.ClientConnectionError as error:
            if isinstance(error, TimeoutError):
                raise TimeoutError(str(error)) from error
            raise Refusal("dispatch_failed", str(error)) from error

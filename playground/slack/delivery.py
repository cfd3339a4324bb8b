"""Delivers payloads to the app, by Socket Mode or HTTP, and takes its answers."""

import json
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import urlencode

from playground.slack.http_mode import HttpAnswer, HttpMode, SignedRequest
from playground.slack.model import Json, Message
from playground.slack.refusals import Refusal
from playground.slack.response_urls import ResponseUrls
from playground.slack.socket_mode import SocketMode
from playground.slack.web_api import Tokens
from playground.slack.workspace import Workspace

ACK_LIMIT: Final = 3.0
"""Seconds that Slack waits for an answer."""
RETRY_REASONS: Final = {
    "operation_timeout": "http_timeout",
    "http_service_error": "http_error",
    "dispatch_failed": "connection_failed",
}
FORM: Final = "application/x-www-form-urlencoded"

Kind = Literal["slash_commands", "interactive", "events_api"]
Via = Literal["socket", "http"]


@dataclass
class AppDelivery:
    """A payload on its way to the app, and the app's answer.

    `error` is empty when the app answered in time, else the error that Slack shows the user:
    `operation_timeout`, `dispatch_failed` (the app is not connected), `http_service_error` (a
    status other than 200), or the refusal of an immediate response. `latency` is in seconds, `None`
    without an answer. `body` is the immediate response (an object, or text in HTTP mode), and
    `shown` the message that resulted from it.
    """

    kind: Kind
    via: Via
    payload: Json
    envelope_id: str
    retry_attempt: int = 0
    request: SignedRequest | None = None
    error: str = ""
    latency: float | None = None
    status: int | None = None
    body: Json | str | None = None
    shown: Message | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether the app has answered, or has not in time."""
        return bool(self.error) or self.latency is not None

    @property
    def ok(self) -> bool:
        """Whether the app answered in time and Slack accepted the answer."""
        return not self.error

    @property
    def trigger_id(self) -> str:
        """The payload's trigger id."""
        return str(self.payload.get("trigger_id", ""))

    @property
    def response_url(self) -> str:
        """The payload's response URL."""
        return str(self.payload.get("response_url", ""))

    def envelope(self) -> Json:
        """The Socket Mode envelope."""
        wrapped: Json = {
            "envelope_id": self.envelope_id,
            "type": self.kind,
            "payload": self.payload,
            "accepts_response_payload": self.kind != "events_api",
        }
        if self.kind == "events_api":
            wrapped["retry_attempt"] = self.retry_attempt
            wrapped["retry_reason"] = "timeout" if self.retry_attempt else ""
        return wrapped


class Courier:
    """Delivers payloads, and shows immediate responses in the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        tokens: Tokens,
        sockets: SocketMode,
        http: HttpMode,
        responses: ResponseUrls,
    ) -> None:
        self.workspace = workspace
        self.tokens = tokens
        self.sockets = sockets
        self.http = http
        self.responses = responses
        self.request_url = ""
        self.ack_limit = ACK_LIMIT
        self.deliveries: list[AppDelivery] = []

    async def deliver(self, kind: Kind, payload: Json, via: Via | None = None) -> AppDelivery:
        """Deliver a payload to the app; without `via`, by HTTP if there is a request URL."""
        way: Via = via or ("http" if self.request_url else "socket")
        delivery = AppDelivery(kind, way, payload, str(uuid.uuid4()))
        if way == "http":
            body, content_type = _http_body(kind, payload)
            secret, now = self.tokens.signing_secret, int(self.workspace.clock())
            delivery.request = SignedRequest.sign(secret, now, body, content_type)
        return await self._carry(delivery)

    async def again(self, earlier: AppDelivery) -> AppDelivery:
        """Deliver the same payload a second time: same envelope id, or same signed request.

        Slack itself does so for events, and then includes the number of the retry; other payloads
        can also arrive twice, without a mark.
        """
        repeated = AppDelivery(earlier.kind, earlier.via, earlier.payload, earlier.envelope_id)
        repeated.request = earlier.request
        if earlier.kind == "events_api":
            repeated.retry_attempt = earlier.retry_attempt + 1
            if earlier.request is not None:
                number = repeated.retry_attempt
                repeated.request = replace(earlier.request, retry_attempt=number)
        return await self._carry(repeated)

    async def retry(self, earlier: AppDelivery) -> AppDelivery:
        """Deliver an event again after a failure, signed anew, with the number and the reason."""
        repeated = AppDelivery(earlier.kind, earlier.via, earlier.payload, earlier.envelope_id)
        repeated.retry_attempt = earlier.retry_attempt + 1
        if (asked := earlier.request) is not None:
            secret, now = self.tokens.signing_secret, int(self.workspace.clock())
            signed = SignedRequest.sign(secret, now, asked.body, asked.content_type)
            reason = RETRY_REASONS.get(earlier.error, "unknown_error")
            repeated.request = replace(
                signed, retry_attempt=repeated.retry_attempt, retry_reason=reason
            )
        return await self._carry(repeated)

    async def _carry(self, delivery: AppDelivery) -> AppDelivery:
        self.deliveries.append(delivery)
        self.workspace.emit("delivery", type=delivery.kind, payload=delivery.payload)
        started = time.perf_counter()
        try:
            await self._exchange(delivery)
        except TimeoutError:
            delivery.error = "operation_timeout"
        except Refusal as refusal:
            delivery.error = refusal.code
        else:
            delivery.latency = time.perf_counter() - started
            self._take(delivery)
        self.workspace.emit("acked", envelope_id=delivery.envelope_id, error=delivery.error)
        return delivery

    async def _exchange(self, delivery: AppDelivery) -> None:
        if delivery.request is None:
            ack = await self.sockets.deliver(delivery.envelope(), self.ack_limit)
            delivery.body = ack.get("payload")
            return
        answer = await self.http.send(self.request_url, delivery.request, self.ack_limit)
        delivery.status = answer.status
        delivery.body = _http_answer(answer)

    def _take(self, delivery: AppDelivery) -> None:
        if delivery.status not in (None, 200):
            delivery.error = "http_service_error"
        elif delivery.body and delivery.kind == "slash_commands":
            body, asked = delivery.body, delivery.payload
            said = {"text": body} if isinstance(body, str) else body
            try:
                delivery.shown = self.responses.apply(said, asked["channel_id"], asked["user_id"])
            except Refusal as refusal:
                delivery.error = refusal.code


def _http_body(kind: Kind, payload: Json) -> tuple[str, str]:
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    if kind == "interactive":
        return urlencode({"payload": json.dumps(payload)}), FORM
    plain = {name: _plain(value) for name, value in payload.items()}
    return urlencode(plain), FORM


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _http_answer(answer: HttpAnswer) -> Json | str | None:
    if not answer.text:
        return None
    if answer.content_type != "application/json":
        return answer.text
    try:
        body = json.loads(answer.text)
    except ValueError:
        return answer.text
    return body if isinstance(body, dict) else answer.text

"""The errors of Slack's API.

    Refusal            any answer with `"ok": false`
    └── RateLimited    HTTP 429 with Retry-After

The codes are those of the error tables on Slack's method pages.
"""

from playground.slack.model import Json


class Refusal(Exception):  # noqa: N818 - an answer of Slack's, not a defect
    """A call that Slack refuses with the error `code`.

    `messages` are the lines of `response_metadata.messages`; `detail` has further keys of the
    answer (`needed` and `provided` of `missing_scope`).
    """

    def __init__(self, code: str, *messages: str, **detail: str) -> None:
        super().__init__(": ".join([code, *messages[:1]]))
        self.code = code
        self.messages = [f"[ERROR] {message}" for message in messages]
        self.detail = detail

    def as_json(self) -> Json:
        """The body of the answer."""
        body: Json = {"ok": False, "error": self.code, **self.detail}
        if self.messages:
            body["response_metadata"] = {"messages": self.messages}
        return body


class RateLimited(Refusal):
    """Too many calls; retry after `retry_after` whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after

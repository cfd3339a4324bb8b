"""The arguments of one Web API call, from the query string, form or JSON body.

Slack takes them from the query string, a form or a JSON body, and the SDK uses all of these;
they are merged here, the body winning. Structured arguments come as JSON or as a string that
holds JSON. The token comes in the Authorization header or as the form's `token`, never in JSON.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aiohttp import web

from playground.slack.limits import is_list_of_objects
from playground.slack.model import Json
from playground.slack.refusals import Refusal

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
TRUE = (True, 1, "1", "true", "True")


class Arguments(Mapping[str, Any]):
    """The merged arguments; a missing required one is refused as Slack does."""

    def __init__(self, values: Mapping[str, Any], token: str | None = None) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self.token = token

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def required(self, name: str) -> str:
        """A required string."""
        if not self.text(name):
            raise Refusal("invalid_arguments", f"missing required field: {name}")
        return self.text(name)

    def text(self, name: str) -> str:
        """A string, empty if it is missing."""
        value = self.get(name, "")
        return value if isinstance(value, str) else str(value)

    def flag(self, name: str) -> bool:
        """A boolean, False if it is missing."""
        return self.get(name) in TRUE

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        try:
            return int(self.get(name, default))
        except (TypeError, ValueError):
            raise Refusal("invalid_arguments", f"must be a valid integer: {name}") from None

    def structure(self, name: str, refusal: str) -> Any:  # noqa: ANN401 - JSON
        """A JSON value, `None` if it is missing; refused with `refusal` if it is not valid JSON."""
        value = self.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(refusal) from None

    def objects(self, name: str, refusal: str) -> list[Json] | None:
        """A JSON list of objects, `None` if it is missing."""
        value = self.structure(name, refusal)
        if value is None:
            return None
        if not is_list_of_objects(value):
            raise Refusal(refusal)
        return value


async def arguments_of(request: web.Request) -> Arguments:
    """Read the arguments and the token of one request.

    Raises `Refusal` for a body that is neither a form nor a JSON object.
    """
    values: Json = dict(request.query)
    is_form = request.content_type in FORMS
    if is_form:
        values |= dict(await request.post())
    elif request.content_type == "application/json":
        values |= await _json_body(request)
    elif request.method == "POST" and await request.read():
        raise Refusal("invalid_post_type")
    in_form = values.pop("token", None) if request.content_type != "application/json" else None
    return Arguments(values, _bearer(request) or in_form)


async def _json_body(request: web.Request) -> Json:
    text = await request.text()
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise Refusal("invalid_json") from None
    if not isinstance(body, dict):
        raise Refusal("json_not_object")
    return body


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None

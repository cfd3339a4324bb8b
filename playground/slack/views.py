"""The methods `views.*`: modals and home tabs."""

import json
from typing import Final

from playground.slack.chat import with_block_ids
from playground.slack.limits import VIEW_SIZE, check_view
from playground.slack.model import Json, View
from playground.slack.refusals import Refusal
from playground.slack.web_api import Call, Method
from playground.slack.workspace import APP_ID, BOT_ID, TEAM_ID

TRIGGER_LIFETIME: Final = 3.0


def open_view(call: Call) -> Json:
    """`views.open` with a modal; a trigger id works once, within three seconds."""
    body = _checked(call, "modal")
    return _shown(call, View(_new_id(call), _triggered_by(call), body, "", APP_ID, BOT_ID))


def publish(call: Call) -> Json:
    """`views.publish` with a home tab."""
    user = call.arguments.required("user_id")
    if user not in call.workspace.users:
        raise Refusal("user_not_found")
    body = _checked(call, "home")
    tab = next((v for v in _views(call) if v.user == user and v.body["type"] == "home"), None)
    if tab is None:
        return _shown(call, View(_new_id(call), user, body, "", APP_ID, BOT_ID))
    return _changed(call, tab, body)


def update(call: Call) -> Json:
    """`views.update` by `view_id` or `external_id`; an outdated `hash` is a conflict."""
    wanted = call.arguments.text("view_id") or call.arguments.text("external_id")
    found = (v for v in _views(call) if wanted and wanted in (v.id, v.body.get("external_id")))
    view = next(found, None)
    if view is None:
        raise Refusal("not_found")
    if call.arguments.text("hash") not in ("", view.version):
        raise Refusal("hash_conflict")
    return _changed(call, view, _checked(call, view.body["type"]))


def _views(call: Call) -> list[View]:
    return list(call.workspace.views.values())


def _new_id(call: Call) -> str:
    return f"V0VIEW{call.workspace.number():05d}"


def _triggered_by(call: Call) -> str:
    trigger = call.workspace.triggers.get(call.arguments.required("trigger_id"))
    if trigger is None:
        raise Refusal("invalid_trigger_id")
    if trigger.used:
        raise Refusal("exchanged_trigger_id")
    if call.workspace.clock() - trigger.at > TRIGGER_LIFETIME:
        raise Refusal("expired_trigger_id")
    trigger.used = True
    return trigger.user


def _checked(call: Call, kind: str) -> Json:
    view = call.arguments.structure("view", "invalid_arguments")
    breaches = check_view(view, kind) or call.structure(view["blocks"])
    if breaches:
        raise Refusal("invalid_arguments", *breaches)
    if len(json.dumps(view)) > VIEW_SIZE:
        raise Refusal("view_too_large")
    body: Json = view | {"blocks": list(with_block_ids(view["blocks"], call.workspace))}
    return body


def _changed(call: Call, view: View, body: Json) -> Json:
    view.body = body
    return _shown(call, view)


def _shown(call: Call, view: View) -> Json:
    view.version = f"{call.workspace.clock():.6f}.{call.workspace.number()}"
    call.workspace.views[view.id] = view
    call.workspace.emit("view", id=view.id, user=view.user, type=view.body["type"])
    return {"view": view.as_json(TEAM_ID)}


METHODS: Final = {
    "views.open": Method(open_view),
    "views.publish": Method(publish),
    "views.update": Method(update),
}

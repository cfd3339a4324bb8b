"""Block Kit as tables: the allowed and required fields of each kind of block and element.

The numbers are those of Slack's reference pages. Kinds whose parts are newer than the tables are
`open`; the check of structure knows them.
"""

from dataclasses import dataclass, field
from typing import Final

TEXT_TYPES: Final = ("plain_text", "mrkdwn")


@dataclass(frozen=True)
class Text:
    """A text object: one of `types`, with 1 to `longest` characters."""

    longest: int
    types: tuple[str, ...] = TEXT_TYPES


@dataclass(frozen=True)
class String:
    """A plain string of 1 to `longest` characters, one of `among` if that is given."""

    longest: int
    among: tuple[str, ...] = ()


@dataclass(frozen=True)
class Several:
    """A list of `fewest` to `most` things."""

    of: "Part"
    most: int
    fewest: int = 1


@dataclass(frozen=True)
class Element:
    """A typed object: one of the named kinds of `ELEMENTS` or `TEXTUAL`."""

    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """An object without a type (an option, a confirmation)."""

    shape: "Shape"


@dataclass(frozen=True)
class Anything:
    """A field that only the check of structure covers."""


Part = Text | String | Several | Element | Record | Anything


@dataclass(frozen=True)
class Shape:
    """The fields of one kind of object; with `open`, other fields are accepted too."""

    required: dict[str, Part] = field(default_factory=dict)
    optional: dict[str, Part] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    open: bool = False


IDENTIFIER: Final = 255
ANY: Final = Anything()
PLAIN: Final = ("plain_text",)
ID: Final = String(IDENTIFIER)
URL: Final = String(3000)
CONFIRM: Final = Record(
    Shape(
        {
            "title": Text(100, PLAIN),
            "text": Text(300),
            "confirm": Text(30, PLAIN),
            "deny": Text(30, PLAIN),
        },
        {"style": String(7, ("primary", "danger"))},
    )
)
OPTION: Final = Record(
    Shape({"text": Text(75), "value": String(150)}, {"description": Text(75), "url": URL})
)
OPTION_GROUP: Final = Record(Shape({"label": Text(75, PLAIN), "options": Several(OPTION, 100)}))
FOCUS: Final[dict[str, Part]] = {"focus_on_load": ANY}
ACTION: Final[dict[str, Part]] = {"action_id": ID}
CLICKED: Final[dict[str, Part]] = {"action_id": ID, "confirm": CONFIRM}
HINTED: Final[dict[str, Part]] = ACTION | FOCUS | {"placeholder": Text(150, PLAIN)}
PICKER: Final[dict[str, Part]] = HINTED | CLICKED
OPTIONS: Final[dict[str, Part]] = {
    "options": Several(OPTION, 100),
    "option_groups": Several(OPTION_GROUP, 100),
}
CONVERSATIONS: Final[dict[str, Part]] = {"default_to_current_conversation": ANY, "filter": ANY}
MOST: Final[dict[str, Part]] = {"max_selected_items": ANY}
QUERIED: Final[dict[str, Part]] = {"min_query_length": ANY}
RESPONSE_URL: Final[dict[str, Part]] = {"response_url_enabled": ANY}
TYPED: Final[dict[str, Part]] = HINTED | {"initial_value": ANY, "dispatch_action_config": ANY}


def _shape(*parts: dict[str, Part], **more: Part) -> Shape:
    """An element without required fields."""
    optional = dict(more)
    for each in parts:
        optional |= each
    return Shape(optional=optional)


BUTTON: Final = Shape(
    {"text": Text(75, PLAIN)},
    CLICKED
    | {
        "url": URL,
        "value": String(2000),
        "style": String(7, ("primary", "danger")),
        "accessibility_label": String(75),
    },
)
CHOICES: Final = Several(OPTION, 10)
IMAGE: Final = Shape(
    {"alt_text": String(2000)},
    {"image_url": URL, "slack_file": ANY},
    one_of=("image_url", "slack_file"),
)

ELEMENTS: Final[dict[str, Shape]] = {
    "button": BUTTON,
    "image": IMAGE,
    "static_select": _shape(PICKER, OPTIONS, initial_option=OPTION),
    "multi_static_select": _shape(PICKER, OPTIONS, MOST, initial_options=ANY),
    "external_select": _shape(PICKER, QUERIED, initial_option=OPTION),
    "multi_external_select": _shape(PICKER, QUERIED, MOST, initial_options=ANY),
    "users_select": _shape(PICKER, initial_user=ANY),
    "multi_users_select": _shape(PICKER, MOST, initial_users=ANY),
    "conversations_select": _shape(PICKER, CONVERSATIONS, RESPONSE_URL, initial_conversation=ANY),
    "multi_conversations_select": _shape(PICKER, CONVERSATIONS, MOST, initial_conversations=ANY),
    "channels_select": _shape(PICKER, RESPONSE_URL, initial_channel=ANY),
    "multi_channels_select": _shape(PICKER, MOST, initial_channels=ANY),
    "overflow": Shape({"options": Several(OPTION, 5)}, CLICKED),
    "checkboxes": Shape({"options": CHOICES}, CLICKED | FOCUS | {"initial_options": ANY}),
    "radio_buttons": Shape({"options": CHOICES}, CLICKED | FOCUS | {"initial_option": OPTION}),
    "datepicker": _shape(PICKER, initial_date=ANY),
    "timepicker": _shape(PICKER, initial_time=ANY, timezone=ANY),
    "datetimepicker": _shape(CLICKED, FOCUS, initial_date_time=ANY),
    "workflow_button": Shape({"text": Text(75, PLAIN), "workflow": ANY}, open=True),
    "plain_text_input": _shape(TYPED, multiline=ANY, min_length=ANY, max_length=ANY),
    "number_input": Shape(
        {"is_decimal_allowed": ANY}, TYPED | {"min_value": ANY, "max_value": ANY}
    ),
    "email_text_input": _shape(TYPED),
    "url_text_input": _shape(TYPED),
    "rich_text_input": _shape(TYPED, min_lines=ANY, max_lines=ANY),
    "file_input": _shape(ACTION, filetypes=ANY, max_files=ANY),
    "feedback_buttons": Shape({"positive_button": ANY, "negative_button": ANY}, ACTION),
    "icon_button": Shape(
        {"icon": ANY, "text": Text(75, PLAIN)},
        CLICKED
        | {"value": String(2000), "accessibility_label": String(75), "visible_to_user_ids": ANY},
    ),
}
CELLS: Final[dict[str, Shape]] = {
    "raw_text": Shape({"text": String(10_000)}),
    "raw_number": Shape({"value": ANY, "text": String(10_000)}),
    "rich_text": Shape({"elements": ANY}, {"block_id": ID}),
}
"""What is in the cells of a table."""
TEXTUAL: Final[dict[str, Part]] = {"plain_text": Text(2000, PLAIN), "mrkdwn": Text(2000)}
MESSAGE_ACTIONS: Final = tuple(
    kind
    for kind in ELEMENTS
    if not kind.endswith("_input") and kind not in ("image", "feedback_buttons", "icon_button")
)
BLOCKS: Final[dict[str, Shape]] = {
    "section": Shape(
        optional={
            "text": Text(3000),
            "fields": Several(Text(2000), 10),
            "accessory": Element((*MESSAGE_ACTIONS, "image")),
            "expand": ANY,
        },
        one_of=("text", "fields"),
    ),
    "header": Shape({"text": Text(150, PLAIN)}),
    "divider": Shape(),
    "context": Shape({"elements": Several(Element(("image", *TEXT_TYPES)), 10)}),
    "actions": Shape({"elements": Several(Element((*MESSAGE_ACTIONS, "rich_text_input")), 25)}),
    "context_actions": Shape(
        {"elements": Several(Element(("feedback_buttons", "icon_button")), 5)}
    ),
    "image": Shape(
        {"alt_text": String(2000)},
        {"image_url": URL, "slack_file": ANY, "title": Text(2000, PLAIN)},
        one_of=("image_url", "slack_file"),
    ),
    "input": Shape(
        {
            "label": Text(2000, PLAIN),
            "element": Element(tuple(set(ELEMENTS) - {"button", "image", "overflow"})),
        },
        {"hint": Text(2000, PLAIN), "optional": ANY, "dispatch_action": ANY},
    ),
    "markdown": Shape({"text": String(12_000)}),
    "rich_text": Shape({"elements": ANY}),
    "table": Shape(
        {"rows": Several(Several(Element(("raw_text", "raw_number", "rich_text")), 20), 100)},
        {"column_settings": Several(ANY, 20, 0)},
    ),
    "file": Shape({"external_id": ANY, "source": ANY}),
    "video": Shape(open=True),
    "alert": Shape(open=True),
    "card": Shape(open=True),
    "carousel": Shape(open=True),
    "container": Shape(open=True),
    "data_table": Shape(open=True),
    "plan": Shape(open=True),
    "task_card": Shape(open=True),
}

"""The emulator refuses the blocks that Slack refuses, and accepts those that Slack accepts."""

import subprocess
import sys

import pytest

from playground.slack.block_kit import BLOCKS, ELEMENTS, Shape
from playground.slack.limits import (
    BLOCKS_IN_ALL,
    check_blocks,
    check_content,
    check_metadata,
    check_size,
    check_view,
)
from playground.slack.model import Content
from playground.slack.refusals import Refusal
from playground.slack.structure import _definitions, structure_check


def plain(text="x"):
    return {"type": "plain_text", "text": text}


def mrkdwn(text="x"):
    return {"type": "mrkdwn", "text": text}


def section(text="x", **more):
    return {"type": "section", "text": mrkdwn(text)} | more


def button(**more):
    return {"type": "button", "text": plain(), "action_id": "a"} | more


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def option(value="v", **more):
    return {"text": plain(), "value": value} | more


MENU = {"type": "static_select", "action_id": "m", "options": [option()]}


def cells(*texts):
    return [{"type": "raw_text", "text": text} for text in texts]


def table(*rows, **more):
    return {"type": "table", "rows": list(rows)} | more


TAKEN = {
    "table": table(
        *[cells(*["x" * 5] * 20)] * 100, column_settings=[{"align": "right", "is_wrapped": True}]
    ),
    "table of rich text": table(
        [
            {
                "type": "rich_text",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
                ],
            }
        ]
    ),
    "section": section(),
    "longest section": section("x" * 3000),
    "fields": {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10},
    "accessory": section(accessory=button()),
    "header": {"type": "header", "text": plain("x" * 150)},
    "divider": {"type": "divider", "block_id": "d"},
    "context": {"type": "context", "elements": [mrkdwn()] * 10},
    "buttons": actions(*(button(action_id=str(n)) for n in range(25))),
    "full button": actions(
        button(
            text=plain("x" * 75),
            value="x" * 2000,
            action_id="x" * 255,
            style="danger",
            confirm={"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain()},
        )
    ),
    "menu": actions(MENU),
    "overflow": actions({"type": "overflow", "action_id": "o", "options": [option()] * 5}),
    "image": {"type": "image", "image_url": "http://127.0.0.1/x.png", "alt_text": "x"},
    "rich text": {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
    },
    "markdown": {"type": "markdown", "text": "x" * 12_000},
    "input": {
        "type": "input",
        "label": plain(),
        "element": {"type": "plain_text_input", "action_id": "i"},
    },
}


@pytest.mark.parametrize("block", TAKEN.values(), ids=TAKEN)
def test_valid_blocks_are_accepted(block):
    assert check_blocks([block]) == []
    assert structure_check()([block]) == []


REFUSED = {
    "101 rows": (table(*[cells("x")] * 101), "no more than 100 items", "/blocks/0/rows"),
    "21 columns": (table(cells(*["x"] * 21)), "no more than 20 items", "/blocks/0/rows/0"),
    "empty cell": (
        table(cells("")),
        "must be more than 0 characters",
        "/blocks/0/rows/0/0/text",
    ),
    "button in a cell": (
        table([button()]),
        "unsupported type: button",
        "/blocks/0/rows/0/0/type",
    ),
    "large table": (table(*[cells("x" * 5001)] * 2), "must be less than 10001", "/blocks"),
    "unknown block": ({"type": "sektion"}, "unsupported type: sektion", "/blocks/0/type"),
    "no type": ({}, "unsupported type: None", "/blocks/0/type"),
    "empty text": (section(""), "must be more than 0 characters", "/blocks/0/text/text"),
    "long section": (
        section("x" * 3001),
        "must be less than 3001 characters",
        "/blocks/0/text/text",
    ),
    "section of nothing": (
        {"type": "section"},
        "must define either `text` or `fields`",
        "/blocks/0",
    ),
    "11 fields": (
        {"type": "section", "fields": [mrkdwn()] * 11},
        "no more than 10 items",
        "/blocks/0/fields",
    ),
    "long field": (
        {"type": "section", "fields": [mrkdwn("x" * 2001)]},
        "must be less than 2001",
        "/blocks/0/fields/0/text",
    ),
    "header in mrkdwn": (
        {"type": "header", "text": mrkdwn()},
        "must be a valid text object",
        "/blocks/0/text",
    ),
    "long header": (
        {"type": "header", "text": plain("x" * 151)},
        "must be less than 151",
        "/blocks/0/text/text",
    ),
    "26 buttons": (
        actions(*(button(action_id=str(n)) for n in range(26))),
        "no more than 25 items",
        "/blocks/0/elements",
    ),
    "no buttons": (actions(), "no fewer than 1 items", "/blocks/0/elements"),
    "11 in context": (
        {"type": "context", "elements": [mrkdwn()] * 11},
        "no more than 10 items",
        "/blocks/0/elements",
    ),
    "button in context": (
        {"type": "context", "elements": [button()]},
        "unsupported type: button",
        "/blocks/0/elements/0/type",
    ),
    "unknown element": (
        actions({"type": "knob", "action_id": "k"}),
        "unsupported type: knob",
        "/blocks/0/elements/0/type",
    ),
    "long button text": (
        actions(button(text=plain("x" * 76))),
        "must be less than 76",
        "/blocks/0/elements/0/text/text",
    ),
    "button text in mrkdwn": (
        actions(button(text=mrkdwn())),
        "must be a valid text object",
        "/blocks/0/elements/0/text",
    ),
    "long button value": (
        actions(button(value="x" * 2001)),
        "must be less than 2001",
        "/blocks/0/elements/0/value",
    ),
    "long action_id": (
        actions(button(action_id="x" * 256)),
        "must be less than 256",
        "/blocks/0/elements/0/action_id",
    ),
    "long block_id": (
        section(block_id="x" * 256),
        "must be less than 256",
        "/blocks/0/block_id",
    ),
    "unknown style": (
        actions(button(style="default")),
        "must be one of primary, danger",
        "/blocks/0/elements/0/style",
    ),
    "disabled button": (
        actions(button(disabled=True)),
        "invalid additional property: disabled",
        "/blocks/0/elements/0",
    ),
    "same action_id twice": (
        actions(button(), button()),
        '`action_id` "a" already exists',
        "/blocks/0/elements",
    ),
    "101 options": (
        actions(MENU | {"options": [option(str(n)) for n in range(101)]}),
        "no more than 100 items",
        "/blocks/0/elements/0/options",
    ),
    "option without value": (
        actions(MENU | {"options": [{"text": plain()}]}),
        "missing required field: value",
        "/blocks/0/elements/0/options/0",
    ),
    "image without alt_text": (
        {"type": "image", "image_url": "http://127.0.0.1/x.png"},
        "missing required field: alt_text",
        "/blocks/0",
    ),
    "text that is a string": (
        {"type": "section", "text": "x"},
        "must be a valid text object",
        "/blocks/0/text",
    ),
    "elements that are no list": (
        {"type": "actions", "elements": {}},
        "must be an array",
        "/blocks/0/elements",
    ),
}


@pytest.mark.parametrize(("block", "words", "pointer"), REFUSED.values(), ids=REFUSED)
def test_invalid_blocks_are_refused_with_their_location(block, words, pointer):
    breaches = check_blocks([block])
    assert any(words in each and f"[json-pointer:{pointer}]" in each for each in breaches)


def test_a_message_has_at_most_fifty_blocks():
    assert check_blocks([section()] * 50) == []
    assert check_blocks([section()] * 51) == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]


def test_a_block_id_is_unique_in_a_message():
    twice = [section(block_id="b"), section(block_id="b")]
    assert check_blocks(twice) == ['`block_id` "b" already exists [json-pointer:/blocks]']


def test_an_action_id_can_be_used_in_several_blocks():
    assert check_blocks([actions(button()), actions(button())]) == []


def test_all_markdown_together_has_a_limit():
    assert check_blocks([{"type": "markdown", "text": "x" * 6001}] * 2) != []


def test_blocks_with_too_much_text_in_total_are_refused():
    check_size([section("x" * 2900)] * 4)
    with pytest.raises(Refusal) as refusal:
        check_size([section("x" * 2900)] * 5)
    assert (refusal.value.code, BLOCKS_IN_ALL) == ("msg_blocks_too_long", 13_000)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (Content(), "no_text"),
        (Content("x" * 40_001), "msg_too_long"),
        (Content(attachments=({},) * 101), "too_many_attachments"),
    ],
)
def test_an_empty_or_too_long_message_is_refused(content, code):
    with pytest.raises(Refusal) as refusal:
        check_content(content)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "metadata",
    [
        "text",
        [],
        {"event_type": "x"},
        {"event_payload": {}},
        {"event_type": "", "event_payload": {}},
        {"event_type": "x", "event_payload": "y"},
        {"event_type": "x", "event_payload": {}, "more": 1},
    ],
)
def test_metadata_is_a_type_and_a_payload(metadata):
    with pytest.raises(Refusal, match="invalid_metadata_format"):
        check_metadata(metadata)


def test_metadata_can_contain_nulls_and_has_a_size_limit():
    check_metadata({"event_type": "swarm_job", "event_payload": {"verdict": None}})
    with pytest.raises(Refusal, match="metadata_too_large"):
        check_metadata({"event_type": "swarm_job", "event_payload": {"log": "x" * 8_000}})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "home"}, "must be a view of type modal"),
        ({"title": plain("x" * 25)}, "must be less than 25"),
        ({"title": mrkdwn()}, "must be a valid text object"),
        ({"blocks": [section()] * 101}, "no more than 100 items"),
        ({"blocks": ["x"]}, "must be an array of objects"),
        ({"private_metadata": "x" * 3001}, "must be less than 3001"),
        ({"colour": "red"}, "invalid additional property: colour"),
    ],
)
def test_a_modal_has_limits_of_its_own(change, words):
    modal = {"type": "modal", "title": plain(), "blocks": [section()] * 100}
    assert check_view(modal, "modal") == []
    assert any(words in breach for breach in check_view(modal | change, "modal"))


@pytest.mark.parametrize(
    "block",
    [
        section(expand="yes"),
        {"type": "rich_text", "elements": [{"type": "rich_text_part"}]},
        {"type": "alert", "text": plain(), "level": "loud"},
        {"type": "header", "text": plain() | {"emoji": "yes"}},
    ],
)
def test_the_structure_check_covers_what_the_tables_omit(block):
    breaches = structure_check()([section(), block])
    assert check_blocks([block]) == []
    assert len(breaches) == 1
    assert "[json-pointer:/blocks/1" in breaches[0]


def alternatives(definition):
    if "anyOf" in definition:
        return [each for part in definition["anyOf"] for each in alternatives(part)]
    return [definition] if "const" in definition.get("properties", {}).get("type", {}) else []


def shape_of(name: str, kind: str) -> Shape | None:
    return BLOCKS.get(kind) if name.endswith("Block") else ELEMENTS.get(kind)


def test_the_tables_have_the_fields_that_slack_publishes():
    published: dict[str, set[str]] = {}
    known: dict[str, set[str]] = {}
    for name, definition in _definitions().items():
        for each in alternatives(definition):
            kind = each["properties"]["type"]["const"]
            shape = shape_of(name, kind)
            if shape is not None and not shape.open:
                parts = set(each["properties"]) - {"type", "block_id"}
                published[name] = published.get(name, set()) | parts
                known[name] = set(shape.required | shape.optional)
    assert known == published
    assert len(published) > 25


def test_the_tables_require_what_slack_requires():
    for name, definition in _definitions().items():
        for each in alternatives(definition):
            shape = shape_of(name, each["properties"]["type"]["const"])
            if shape is not None and not shape.open and not shape.one_of:
                assert set(shape.required) == set(each["required"]) - {"type"}, name


def test_the_emulator_runs_without_the_package_that_checks_structure():
    program = (
        "import sys; from playground.slack import SlackEmulator; SlackEmulator();"
        "sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_message_has_one_table():
    (breach,) = check_blocks([table(cells("x")), table(cells("y"))])
    assert breach.startswith("only_one_table_allowed")

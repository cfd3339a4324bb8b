"""The limits of Slack's messages and views, checked as Slack checks them.

Every breach is reported in Slack's own form: what is wrong and where, as a JSON pointer.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeGuard

from playground.slack.block_kit import (
    BLOCKS,
    CELLS,
    ELEMENTS,
    IDENTIFIER,
    TEXTUAL,
    Element,
    Part,
    Record,
    Several,
    Shape,
    String,
    Text,
)
from playground.slack.model import Content, Json, texts_within
from playground.slack.refusals import Refusal

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
MESSAGE_TEXT: Final = 40_000
UPDATE_TEXT: Final = 4_000
"""`chat.update` takes less text than `chat.postMessage`."""
BLOCKS_IN_ALL: Final = 13_000
"""Characters of all blocks of a message as JSON; undocumented, see slackapi/bolt-js#2509."""
ATTACHMENTS: Final = 100
MARKDOWN_IN_ALL: Final = 12_000
TABLE_CHARACTERS: Final = 10_000
METADATA: Final = 8_000
"""Characters of metadata as JSON; Slack refuses larger metadata without naming the limit."""
VIEW_TITLE: Final = 24
VIEW_SIZE: Final = 250_000
PRIVATE_METADATA: Final = 3000


def check_blocks(blocks: Sequence[Json], most: int = MESSAGE_BLOCKS) -> list[str]:
    """Everything wrong with a list of blocks; empty if Slack would accept it."""
    if len(blocks) > most:
        return [f"no more than {most} items allowed [json-pointer:/blocks]"]
    return [
        *_breaches(blocks),
        *_repeated_block_ids(blocks),
        *_too_much_markdown(blocks),
        *_too_much_in_tables(blocks),
    ]


def _breaches(blocks: Sequence[Json]) -> Iterator[str]:
    for index, block in enumerate(blocks):
        where = f"/blocks/{index}"
        shape = BLOCKS.get(str(block.get("type")))
        if shape is None:
            yield f"unsupported type: {block.get('type')} [json-pointer:{where}/type]"
            continue
        yield from _check_string(
            block.get("block_id", "-"), String(IDENTIFIER), f"{where}/block_id"
        )
        yield from _check_shape(block, shape, where, own=("type", "block_id"))
        yield from _repeated_action_ids(block, where)


def _repeated_block_ids(blocks: Sequence[Json]) -> Iterator[str]:
    counted = Counter(str(block["block_id"]) for block in blocks if "block_id" in block)
    for block_id, times in counted.items():
        if times > 1:
            yield f'`block_id` "{block_id}" already exists [json-pointer:/blocks]'


def _repeated_action_ids(block: Json, where: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list):
        return
    named = [e["action_id"] for e in elements if isinstance(e, dict) and "action_id" in e]
    for action_id, times in Counter(map(str, named)).items():
        if times > 1:
            yield f'`action_id` "{action_id}" already exists [json-pointer:{where}/elements]'


def _too_much_markdown(blocks: Sequence[Json]) -> Iterator[str]:
    texts = [str(b.get("text", "")) for b in blocks if b.get("type") == "markdown"]
    if sum(map(len, texts)) > MARKDOWN_IN_ALL:
        yield f"must be less than {MARKDOWN_IN_ALL + 1} characters [json-pointer:/blocks]"


def _too_much_in_tables(blocks: Sequence[Json]) -> Iterator[str]:
    """A message has one table, with so many characters in all its cells."""
    tables = [block for block in blocks if block.get("type") == "table"]
    if len(tables) > 1:
        yield "only_one_table_allowed [json-pointer:/blocks]"
    count = sum(len(text) for text in texts_within(tables))
    if count > TABLE_CHARACTERS:
        yield f"must be less than {TABLE_CHARACTERS + 1} characters [json-pointer:/blocks]"


def _check_shape(value: Json, shape: Shape, where: str, own: tuple[str, ...] = ()) -> Iterator[str]:
    for name in shape.required:
        if name not in value:
            yield f"missing required field: {name} [json-pointer:{where}]"
    if shape.one_of and not any(name in value for name in shape.one_of):
        choice = " or ".join(f"`{name}`" for name in shape.one_of)
        yield f"must define either {choice} [json-pointer:{where}]"
    known = shape.required | shape.optional
    for name, part_value in value.items():
        if name in known:
            yield from _check(part_value, known[name], f"{where}/{name}")
        elif name not in own and not shape.open:
            yield f"invalid additional property: {name} [json-pointer:{where}]"


def _check(value: object, part: Part, where: str) -> Iterator[str]:
    match part:
        case Text():
            yield from _check_text(value, part, where)
        case String():
            yield from _check_string(value, part, where)
        case Several():
            yield from _check_several(value, part, where)
        case Element():
            yield from _check_element(value, part, where)
        case Record():
            yield from _check_record(value, part, where)
        case _:
            return


def _check_text(value: object, part: Text, where: str) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("type") not in part.types:
        yield f"must be a valid text object ({', '.join(part.types)}) [json-pointer:{where}]"
        return
    if not isinstance(value.get("text"), str):
        yield f"missing required field: text [json-pointer:{where}]"
        return
    yield from _check_string(value["text"], String(part.longest), f"{where}/text")
    allowed = {"type", "text", "emoji" if value["type"] == "plain_text" else "verbatim"}
    for name in sorted(value.keys() - allowed):
        yield f"invalid additional property: {name} [json-pointer:{where}]"


def _check_string(value: object, part: String, where: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must be a string [json-pointer:{where}]"
    elif not value:
        yield f"must be more than 0 characters [json-pointer:{where}]"
    elif len(value) > part.longest:
        yield f"must be less than {part.longest + 1} characters [json-pointer:{where}]"
    elif part.among and value not in part.among:
        yield f"must be one of {', '.join(part.among)} [json-pointer:{where}]"


def _check_several(value: object, part: Several, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"must be an array [json-pointer:{where}]"
        return
    if len(value) < part.fewest:
        yield f"no fewer than {part.fewest} items allowed [json-pointer:{where}]"
    if len(value) > part.most:
        yield f"no more than {part.most} items allowed [json-pointer:{where}]"
    for index, item in enumerate(value):
        yield from _check(item, part.of, f"{where}/{index}")


def _check_element(value: object, part: Element, where: str) -> Iterator[str]:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or kind not in part.kinds:
        yield f"unsupported type: {kind} [json-pointer:{where}/type]"
    elif kind in TEXTUAL:
        yield from _check(value, TEXTUAL[kind], where)
    else:
        yield from _check_shape(value, ({**ELEMENTS, **CELLS})[kind], where, own=("type",))


def _check_record(value: object, part: Record, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _check_shape(value, part.shape, where)
    else:
        yield f"must be an object [json-pointer:{where}]"


def check_size(blocks: Sequence[Json]) -> None:
    """Refuse blocks that are too many or too large for one message, even if each is valid."""
    if len(json.dumps(list(blocks), ensure_ascii=False, separators=(",", ":"))) > BLOCKS_IN_ALL:
        raise Refusal("msg_blocks_too_long")


def check_content(content: Content, longest_text: int = MESSAGE_TEXT) -> None:
    """Refuse a message that is empty or too long (blocks are checked elsewhere)."""
    if not content.text.strip() and not content.blocks and not content.attachments:
        raise Refusal("no_text")
    if len(content.text) > longest_text:
        raise Refusal("msg_too_long")
    if len(content.attachments) > ATTACHMENTS:
        raise Refusal("too_many_attachments")


def check_metadata(metadata: object) -> None:
    """Refuse metadata that is not an `event_type` with an `event_payload` object."""
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload"}:
        raise Refusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise Refusal("invalid_metadata_format", "missing required field: event_type")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format", "missing required field: event_payload")
    if len(json.dumps(metadata)) > METADATA:
        raise Refusal("metadata_too_large")


def check_view(view: object, kind: str) -> list[str]:
    """Everything wrong with a view of the given kind (`modal` or `home`)."""
    if not isinstance(view, dict) or view.get("type") != kind:
        return [f"must be a view of type {kind} [json-pointer:/view]"]
    blocks = view.get("blocks")
    if not is_list_of_objects(blocks):
        return ["must be an array of objects [json-pointer:/view/blocks]"]
    return [*_check_view_parts(view, kind), *check_blocks(blocks, VIEW_BLOCKS)]


def is_list_of_objects(value: object) -> TypeGuard[list[Json]]:
    """Whether a JSON value is a list of objects."""
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _check_view_parts(view: Json, kind: str) -> Iterator[str]:
    short = Text(VIEW_TITLE, ("plain_text",))
    required: dict[str, Part] = {"title": short} if kind == "modal" else {}
    texts: dict[str, Part] = {"submit": short, "close": short}
    strings: dict[str, Part] = {
        "private_metadata": String(PRIVATE_METADATA),
        "callback_id": String(IDENTIFIER),
        "external_id": String(IDENTIFIER),
    }
    flags = ("type", "blocks", "clear_on_close", "notify_on_close", "submit_disabled")
    yield from _check_shape(view, Shape(required, texts | strings), "/view", own=flags)

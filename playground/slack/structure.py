"""The structure of blocks, checked against the types that Slack publishes.

The schema in `schema/` is generated from the package `@slack/types` (see its README). The check
needs the package `jsonschema`, which is not among the bot's own dependencies; it is imported
only when the check is asked for.
"""

import json
from importlib import resources
from typing import Final

from playground.slack.model import Json
from playground.slack.web_api import StructureCheck

SCHEMA: Final = "blocks.schema.json"
WORDS_IN_A_BREACH: Final = 300


def no_structure_check(blocks: list[Json]) -> list[str]:  # noqa: ARG001 - one of the checks
    """Accept every structure; limits are checked separately."""
    return []


def structure_check() -> StructureCheck:
    """A check of blocks against the schema; it returns the breaches of each block.

    Raises `ImportError` if `jsonschema` is not installed.
    """
    from jsonschema import Draft7Validator  # noqa: PLC0415 - a development dependency
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    definitions = _definitions()
    validators = {
        kind: Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})
        for kind, name in _names_of_kinds(definitions).items()
    }

    def check(blocks: list[Json]) -> list[str]:
        breaches = []
        for index, block in enumerate(blocks):
            error = best_match(validators[block["type"]].iter_errors(block))
            if error is not None:
                where = "/".join(["", "blocks", str(index), *map(str, error.absolute_path)])
                breaches.append(f"{error.message[:WORDS_IN_A_BREACH]} [json-pointer:{where}]")
        return breaches

    return check


def _definitions() -> Json:
    text = resources.files("playground.slack").joinpath("schema", SCHEMA).read_text("utf-8")
    definitions: Json = json.loads(text)["definitions"]
    return definitions


def _names_of_kinds(definitions: Json) -> dict[str, str]:
    members = definitions["KnownBlock"]["anyOf"]
    names = [member["$ref"].rsplit("/", 1)[-1] for member in members]
    return {_kind_of(definitions[name]): name for name in names}


def _kind_of(definition: Json) -> str:
    """The `type` of a block; some types are written as alternatives."""
    while "anyOf" in definition:
        definition = definition["anyOf"][0]
    return str(definition["properties"]["type"]["const"])

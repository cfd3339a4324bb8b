"""The names of keys and scripts are consistent."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib.resources import files

from bot.store import keys
from bot.store.keys import Keys, StoreLimits
from bot.store.scripting import NAMES

SCRIPTS = files("bot.store") / "scripts"


def _prelude() -> str:
    return (SCRIPTS / "prelude.lua").read_text()


def test_scripts_use_the_right_names_for_keys():
    """KEYS are passed by position; the prelude's names must be in the same order."""
    unpacked = re.search(r"^local ([A-Z_,\s]+) = unpack\(KEYS\)", _prelude(), re.MULTILINE)
    assert unpacked is not None
    names = [name.strip().lower().replace("_", "-") for name in unpacked[1].split(",")]
    assert names == [key.removeprefix("orochi:").removesuffix(":") for key in Keys().all]


def test_single_keys_are_among_those_of_the_scripts():
    """Keys that Python uses directly are also keys of the scripts."""
    names = Keys("x")
    assert {names.ready, names.active, names.history, names.wake, names.audit} < set(names.all)
    families = (names.job("1"), names.lane("1"))
    assert {family.removesuffix("1") for family in families} < set(names.all)


def test_every_key_is_listed_with_its_lifetime():
    """The list at the top of the file is complete."""
    listed = set(re.findall(r"^    ([a-z-]+)(?::[A-Z]+)?  ", keys.__doc__ or "", re.MULTILINE))
    names = {
        key.split(":")[1]
        for key in (
            *Keys().all,
            Keys().budget("x"),
            Keys().probe,
            Keys().images,
            Keys().watch_aside,
        )
    }
    assert listed == names


def test_every_script_is_loaded_and_every_loaded_one_exists():
    """No script is forgotten or missing."""
    there = {file.name.removesuffix(".lua") for file in SCRIPTS.iterdir()}
    assert there == {"prelude", *NAMES}


def test_scripts_use_only_limits_that_exist():
    """A misspelt limit would be nil in Lua, and noticed only when the line runs."""
    known = {field.name.upper() for field in fields(StoreLimits)}
    for name in ("prelude", *NAMES):
        code = re.sub(r"--.*", "", (SCRIPTS / f"{name}.lua").read_text())
        used = set(re.findall(r"\b[A-Z]+_(?:SECONDS|COUNT|ENTRIES)\b", code))
        assert used <= known

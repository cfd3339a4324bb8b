"""The page's checked-in bundle is built from web/, complete and self-contained."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[4]
WEB = ROOT / "playground" / "page" / "web"
STATIC = ROOT / "playground" / "page" / "static"


def test_the_bundle_was_built_from_the_current_source() -> None:
    """After a change in web/, `make page` builds it again."""
    assert (STATIC / "source.sha256").read_text(encoding="utf-8").strip() == source_hash()


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    style = (STATIC / "page.css").read_text(encoding="utf-8")

    loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert loaded
    assert [each for each in loaded if not (STATIC / each).is_file()] == []
    assert re.findall(r"url\((?!data:)|@import", style) == []


def test_the_bundle_has_the_licences_of_its_packages() -> None:
    text = (STATIC / "licences.txt").read_text(encoding="utf-8")
    needed = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]

    assert [name for name, version in needed.items() if f"{name} {version} (MIT)" not in text] == []


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]

    assert [name for name, each in lock.items() if "resolved" in each] == []
    assert [name for name, each in lock.items() if name and "integrity" not in each] == []


def source_hash() -> str:
    """The hash that web/build.mjs writes: every file of web/ with its name, in order."""
    found = hashlib.sha256()
    sources = (path for path in WEB.rglob("*") if path.is_file())
    names = sorted(path.relative_to(WEB).as_posix() for path in sources)
    for name in names:
        if not name.startswith("node_modules/"):
            found.update(f"{name}\0".encode() + (WEB / name).read_bytes() + b"\0")
    return found.hexdigest()

"""The image is built from images whose contents are known."""

from __future__ import annotations

import re
from pathlib import Path

FILE = (Path(__file__).parents[2] / "Dockerfile").read_text(encoding="utf-8")


def test_every_base_is_pinned_by_its_digest():
    bases = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", FILE, re.MULTILINE))

    assert all(re.fullmatch(r"[\w.:/-]+@sha256:[0-9a-f]{64}", base) for base in bases.values())
    assert set(re.findall(r"^FROM (\S+)", FILE, re.MULTILINE)) == {f"${{{name}}}" for name in bases}

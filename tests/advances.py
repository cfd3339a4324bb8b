"""``python -m tests.advances``: prints ``bot/views/pictures/advances.py`` anew, from the font's
files."""

from __future__ import annotations

import textwrap

from PIL import ImageFont

from bot.drawing.pen import font_file
from bot.views.pictures.lettering import PICTURED, UNITS

HEAD = '''"""How wide DejaVu Sans is, in units of 1/2048 of its size, in the order of ``PICTURED``.

Printed by ``python -m tests.advances``.
"""

from __future__ import annotations

from typing import Final
'''


def widths(*, bold: bool) -> list[int]:
    """What the font's file says: at as many pixels as it has units, nothing is rounded."""
    font = ImageFont.truetype(font_file(bold=bold), UNITS, layout_engine=ImageFont.Layout.BASIC)
    return [round(font.getlength(char)) for char in PICTURED]


def module() -> str:
    """The whole file."""
    return HEAD + _table("REGULAR", bold=False) + _table("BOLD", bold=True)


def _table(name: str, *, bold: bool) -> str:
    lines = textwrap.fill(" ".join(map(str, widths(bold=bold))), width=100)
    return f'\n{name}: Final = """\n{lines}\n"""\n'


if __name__ == "__main__":
    print(module(), end="")  # noqa: T201 - this is what it is for

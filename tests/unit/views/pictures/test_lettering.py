"""The width of text in a picture equals the font's, at every size and scale in use."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from bot.domain.text.figure import SCALES
from bot.drawing.pen import font_file
from bot.views.pictures import advances
from bot.views.pictures.lettering import BOX, PICTURED, fitted, lettered, room
from bot.views.pictures.palette import LOOKS
from tests.advances import module
from tests.unit.hostile import hostile

SIZES = (11, 12, 13, 18)
HOSTNAME = "photon-machine-07.example.org"


def drawn(text: str, size: float, scale: int, *, bold: bool) -> float:
    """The width of a text as drawn by the font, in pixels of the sheet."""
    basic = ImageFont.Layout.BASIC
    font = ImageFont.truetype(font_file(bold=bold), size * scale, layout_engine=basic)
    return font.getlength(text) / scale


def test_the_table_matches_the_font():
    """If it is not, run ``python -m tests.advances > bot/views/pictures/advances.py``."""
    assert module() == Path(advances.__file__).read_text(encoding="utf-8")


def test_every_symbol_of_the_pictures_is_in_the_table():
    assert {look.sign for look in LOOKS.values()} <= set(PICTURED)
    assert len(set(PICTURED)) == len(PICTURED)


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_every_character_is_drawn_as_wide_as_the_table_says(size, bold):
    """The tolerance is a 64th of a pixel, the font's own precision."""
    wrong = {
        char: (room(char, size, bold=bold), wide)
        for char in PICTURED
        if (wide := max(drawn(char, size, scale, bold=bold) for scale in SCALES))
        != pytest.approx(room(char, size, bold=bold), abs=1 / 64)
    }
    assert wrong == {}


@given(
    st.text(st.sampled_from(PICTURED), max_size=60),
    st.sampled_from(SIZES), st.sampled_from(SCALES), st.booleans(),
)  # fmt: skip
def test_no_line_is_drawn_wider_than_its_space(text, size, scale, bold):
    """Kerning moves letters by a few 64ths."""
    most = room(text, size, bold=bold)
    assert drawn(text, size, scale, bold=bold) <= most + len(text) / 64
    assert max(drawn(text, size, each, bold=bold) for each in SCALES) >= most * 0.99 - 1


@given(hostile)
def test_any_text_can_be_lettered(text):
    """The result has only characters of the table; those that are in it stay."""
    assert set(lettered(text)) <= set(PICTURED)
    assert room(lettered(text), 11) >= 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orochi_worker01.3", "orochi_worker01.3"),
        ("Grüße Łódź Ελλάδα Москва", "Grüße Łódź Ελλάδα Москва"),
        ("名前", 2 * BOX),
        ("👩\u200d🚀 up", f"{2 * BOX} up"),
        ("e\u0301", "e"),
        ("a\u202eb\nc", "ab c"),
    ],
)
def test_characters_missing_from_the_table_become_a_box(text, expected):
    """Separate accents and joiners are left out."""
    assert lettered(text) == expected


def test_a_cut_keeps_as_much_as_fits():
    """One more character would not fit."""
    whole = room(HOSTNAME, 13, bold=True)
    assert fitted(HOSTNAME, 13, whole, bold=True) == HOSTNAME
    cut = fitted(HOSTNAME, 13, whole - 1, bold=True, tail=4)
    assert cut == "photon-machine-07.exam….org"
    assert room(cut, 13, bold=True) <= whole - 1

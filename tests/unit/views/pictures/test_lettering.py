"""How wide words are in a picture: as the font itself says, at every size and scale in use."""

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
    """How wide the font draws a text, in pixels of the sheet."""
    basic = ImageFont.Layout.BASIC
    font = ImageFont.truetype(font_file(bold=bold), size * scale, layout_engine=basic)
    return font.getlength(text) / scale


def test_the_table_is_that_of_the_font():
    """Where it is not: ``python -m tests.advances > bot/views/pictures/advances.py``."""
    assert module() == Path(advances.__file__).read_text(encoding="utf-8")


def test_every_sign_of_the_pictures_is_in_the_table():
    assert {look.sign for look in LOOKS.values()} <= set(PICTURED)
    assert len(set(PICTURED)) == len(PICTURED)


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_every_character_is_drawn_as_wide_as_the_table_says(size, bold):
    """By a 64th of a pixel: so exactly does the font tell it."""
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
def test_no_line_is_drawn_wider_than_its_room(text, size, scale, bold):
    """Kerning moves letters by a few 64ths."""
    most = room(text, size, bold=bold)
    assert drawn(text, size, scale, bold=bold) <= most + len(text) / 64
    assert max(drawn(text, size, each, bold=bold) for each in SCALES) >= most * 0.99 - 1


@given(hostile)
def test_any_text_can_be_lettered(text):
    """With characters of the table alone; what the table has stays."""
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
def test_what_the_table_lacks_becomes_a_box(text, expected):
    """Accents and joiners on their own are left out."""
    assert lettered(text) == expected


def test_a_cut_keeps_as_much_as_fits():
    """One character more would not."""
    whole = room(HOSTNAME, 13, bold=True)
    assert fitted(HOSTNAME, 13, whole, bold=True) == HOSTNAME
    cut = fitted(HOSTNAME, 13, whole - 1, bold=True, tail=4)
    assert cut == "photon-machine-07.exam….org"
    assert room(cut, 13, bold=True) <= whole - 1

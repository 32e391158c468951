import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.visible import first_refused, is_visible, tidy_name

# Names and titles as people write them: joiners and variants that choose the shape of what is beside them.
GOOD = [
    "Ana Ribeiro",
    "D’Ávila",
    "علی\u200cرضا",  # Persian
    "ශ්\u200dරී",  # Sinhala
    "ന്\u200d",  # Malayalam, as it was spelled before 2008
    "ه\u200d",  # the Arabic abbreviation of a year
    "葛\U000e0100城",  # a Japanese variant
    "Turma 👩\u200d🏫",
    "👨🏽\u200d🚀 🏳️\u200d🌈 ❤️ 3️⃣",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
]
NOTHING = ["", " ", "\u00a0\u3000", "\u3164", "\u2800\u2800", "\u115f\u1160", "\uffa0", "\u200b\u200d", "\u202e"]


@pytest.mark.parametrize("name", GOOD)
def test_what_letters_and_emoji_need_stays(name: str) -> None:
    assert tidy_name(name) == name
    assert first_refused(name) is None
    assert is_visible(name)


@pytest.mark.parametrize(
    "hint", ["\u00ad", "\u200b", "\u200e", "\u200f", "\u061c", "\u2060", "\ufeff", "\u200c", "\ufe0f"]
)
def test_hints_and_joiners_without_effect_are_taken_out(hint: str) -> None:
    assert tidy_name(f"{hint}Pau{hint}la {hint} Nogueira{hint}") == "Paula Nogueira"


def test_white_space_and_spelling_of_letters_are_made_one() -> None:
    assert tidy_name(" Jose\u0301\u00a0\n Sa\u0303o\t") == "José São"


@pytest.mark.parametrize(
    "hidden",
    [
        "\u3164",
        "\u2800",
        "\u115f",
        "\uffa0",
        "\u202e",
        "\u202a",
        "\u2066",
        "\u206a",
        "\U000e0041",
        "\x07",
        "\ue000",
        "\ufdd0",
        "\ud800",
    ],
)
def test_other_invisible_characters_and_overrides_are_refused(hidden: str) -> None:
    assert first_refused(tidy_name(f"Paula{hidden}Nogueira")) == f"U+{ord(hidden):04X}"


@pytest.mark.parametrize("text", NOTHING)
def test_text_without_visible_characters_is_recognized(text: str) -> None:
    assert not is_visible(text)
    assert is_visible(f"{text}a{text}")


@given(st.text())
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    tidy = tidy_name(text)
    assert tidy_name(tidy) == tidy
    assert first_refused(tidy) is not None or not tidy or is_visible(tidy)

"""A word is found by any of its forms, with and without accents."""

import pytest

from channels.journal.words import MAX_WORD_CHARACTERS, stems, words


@pytest.mark.parametrize(
    "forms",
    [
        "avaliação avaliações avaliacao avaliacoes AVALIAÇÃO",
        "lição lições licao licoes",
        "prova provas",
        "animal animais",
        "homem homens",
        "exercício exercícios exercicio",
        "Ciências ciência ciencia",
        "test tests testing tested",
        "Straße STRASSE",
        "ﬁm fim",
    ],
)
def test_all_forms_of_a_word_share_a_stem(forms: str) -> None:
    first, *others = forms.split()
    for other in others:
        assert stems(first) & stems(other), other


@pytest.mark.parametrize(("one", "other"), [("prova", "provérbio"), ("aula", "jaula"), ("2027", "2028")])
def test_other_words_share_none(one: str, other: str) -> None:
    assert not stems(one) & stems(other)


def test_signs_are_no_words() -> None:
    assert words("Olá, mundo! x_y 3,14 🙂 \"' () §7") == ["ola", "mundo", "x", "y", "3", "14", "7"]


def test_text_without_blanks_is_one_short_word() -> None:
    assert words("a" * 1_000) == ["a" * MAX_WORD_CHARACTERS]


@pytest.mark.parametrize("number", ["7", "2027", "٣٤", "000"])
def test_number_has_itself_as_its_only_stem(number: str) -> None:
    assert stems(number) == {number}

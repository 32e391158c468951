"""People are found as their names are typed."""

from server.databases.folded import MAX_FOLDED_CHARACTERS, folded, folded_words


def test_words_lose_accents_capitals_and_signs() -> None:
    assert folded_words("  Álvaro D’Ávila-Łuk, 6º ") == ["alvaro", "d", "avila", "łuk", "6o"]


def test_person_is_found_by_name_and_login_in_bounds() -> None:
    assert folded("Ana Ribeiro", "ana.ribeiro7") == " ana ribeiro ana ribeiro7"
    assert len(folded("ﷺ" * 255, "x" * 255)) <= MAX_FOLDED_CHARACTERS

from server.accounts.identifiers import normal_login


def test_a_login_is_never_longer_than_its_column() -> None:
    assert len(normal_login("ß" * 255)) == 255


def test_login_matches_composed_and_decomposed_accents() -> None:
    assert normal_login("Jose\u0301") == normal_login("JOS\u00c9") == "jos\u00e9"

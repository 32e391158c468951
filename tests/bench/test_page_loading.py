from bench.page_loading import CLASS, NETWORKS, PUBLIC, ROUNDS, Figure, report


def test_table_shows_the_middle_round_of_each_tree_side_by_side() -> None:
    figures = [
        Figure(tree, page, network, shown, shown + 1 if page == CLASS else None, requests, 1024 * requests)
        for tree, requests in (("now", 10), ("before", 64))
        for network in NETWORKS
        for page in (*PUBLIC, CLASS)
        for shown in (3.0, 1.0, 2.0)
    ]
    lines = report(figures).splitlines()
    assert lines[0].startswith("| page | network | before: usable | now: usable | before: online |")
    assert len(lines) == 2 + len(NETWORKS) * (1 + len(PUBLIC))
    assert lines[2] == "| a class | local | 2.00 s | 2.00 s | 3.00 s | 3.00 s | 64 | 10 | 64 | 10 |"
    assert lines[6] == "| signing in | local | 2.00 s | 2.00 s |  |  | 64 | 10 | 64 | 10 |"
    assert ROUNDS.keys() == NETWORKS.keys()

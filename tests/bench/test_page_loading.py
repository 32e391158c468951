from bench.page_loading import NETWORKS, Figure, report


def test_table_shows_the_middle_round_of_each_tree_side_by_side() -> None:
    figures = [
        Figure(tree, network, shown, shown + 1, requests, 1024 * requests)
        for tree, requests in (("now", 10), ("before", 64))
        for network in NETWORKS
        for shown in (3.0, 1.0, 2.0)
    ]
    lines = report(figures).splitlines()
    assert lines[0].startswith("| network | before: usable | now: usable | before: online |")
    assert len(lines) == 2 + len(NETWORKS)
    assert lines[2] == "| local | 2.00 s | 2.00 s | 3.00 s | 3.00 s | 64 | 10 | 64 | 10 |"

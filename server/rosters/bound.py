"""How much of an export may be missing before it is refused as a whole.

A row or two out of step with the other files, or a few people who leave, are everyday. Many at once are an export that
was cut off or filtered, and an import of it would take everybody's classes away.
"""

# Never refused for fewer: in a small school one family that moves away is a large part.
FEW = 5
# A class of 30 is 3 % of a school of 1,000, and a whole year that leaves it 17 % of one with six.
FEW_PERCENT = 20


def are_few(count: int, total: int) -> bool:
    """Return whether so many of a total may be missing without a question."""
    return count <= FEW or 100 * count <= FEW_PERCENT * total

"""All databases by name: Lousa's own two, and those that packages of views declare.

A package of views (a line in views.PACKAGES) that needs a database declares it beside its `handlers`:

    databases = {"grades": Schema(metadata, Path(__file__).parent / "migrations")}

The database is then a file in the data folder, or the one given with `--database grades=…`. It is upgraded like the
others, and the package's pages use it as `self.databases.sessions("grades")`.
"""

from collections.abc import Iterable, Mapping
from types import ModuleType

from server import databases, views
from server.databases.migration import Schema


def gather(packages: Iterable[ModuleType]) -> dict[str, Schema]:
    """Return Lousa's own databases and those of these packages; raise ValueError if two have one name."""
    found = dict(databases.SCHEMAS)
    for package in packages:
        declared: Mapping[str, Schema] = getattr(package, "databases", {})
        if taken := found.keys() & declared.keys():
            raise ValueError(f"{package.__name__} declares a database whose name is taken: {', '.join(sorted(taken))}")
        found.update(declared)
    return found


SCHEMAS = gather(views.PACKAGES)

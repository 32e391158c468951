"""The names of functions in a profile."""

import asyncio

from bench.profiler import name
from tests.lousa import ROOT


def code_of(file: str) -> str:
    """Return the name of a function in this file."""
    return name(compile("pass", file, "exec"))


def test_library_is_named_by_its_package() -> None:
    assert code_of("/any/where/site-packages/tornado/web.py") == "tornado/web.py <module>"


def test_own_module_is_named_by_its_path() -> None:
    assert code_of(str(ROOT / "channels" / "hub.py")) == "channels/hub.py <module>"


def test_standard_library_is_named_by_its_module() -> None:
    assert name(asyncio.run.__code__) == "asyncio/runners.py run"

"""How a profile names the functions in which time was spent."""

import asyncio

from bench.profiler import name
from tests.lousa import ROOT


def code_of(file: str) -> str:
    """Name a function of a file."""
    return name(compile("pass", file, "exec"))


def test_a_library_goes_by_its_package() -> None:
    assert code_of("/any/where/site-packages/tornado/web.py") == "tornado/web.py <module>"


def test_ours_goes_by_its_path() -> None:
    assert code_of(str(ROOT / "channels" / "hub.py")) == "channels/hub.py <module>"


def test_pythons_own_goes_by_its_module() -> None:
    assert name(asyncio.run.__code__) == "asyncio/runners.py run"

import pytest

from tests.server.cli.conftest import Run, fails


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "99999"], "--port"),
        (["--port", "many"], "--port"),
        (["--workers", "0"], "--workers"),
        (["--workers", "some"], "--workers"),
        (["--drain-seconds", "-1"], "--drain-seconds"),
        (["--push-rate", "-1"], "--push-rate"),
        (["--frobnicate"], "--frobnicate"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["demo", "--host", "0.0.0.0"], "open to this machine only"),
        (["demo", "--host", "school.example"], "open to this machine only"),
        (["user", "create", "ana", "--role", "wizard", "--name", "x"], "'student', 'teacher', 'principal'"),
        (["token", "create"], "LOGIN"),
        (["token", "create", "ana", "--days", "0"], "--days"),
        (["roster", "import", "/nowhere"], "does not exist"),
    ],
)
def test_wrong_option_is_reported_with_a_hint_at_help(run: Run, arguments: list[str], message: str) -> None:
    result = run(*arguments)
    fails(result, message, code=2)
    assert "--help' for help" in result.stderr

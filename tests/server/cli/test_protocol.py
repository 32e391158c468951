import json

from server.asyncapi import make_document
from tests.server.cli.conftest import Run, fails


def test_protocol_is_printed_for_the_given_address(run: Run) -> None:
    printed = run("protocol", "show", "--url", "https://Lousa.example/")
    assert printed.exit_code == 0
    assert json.loads(printed.stdout) == json.loads(json.dumps(make_document("https://lousa.example")))
    fails(
        run("protocol", "show", "--url", "lousa"), "--url lousa is not an origin such as https://portal.school.example."
    )

"""The web application of one worker: its sockets, polls and pages."""

from collections.abc import Sequence
from http import HTTPStatus
from types import ModuleType

from tornado.httputil import HTTPHeaders
from tornado.web import Application, OutputTransform

from channels.roles import routes
from channels.transports.gate import Gate
from server import views
from server.accounts.accounts import Accounts
from server.asyncapi import TABLES, Tables
from server.audit.audit import Audit
from server.databases import Databases
from server.oidc.client import Providers
from server.process import health, metrics
from server.process.health import Health
from server.request_log import RequestLog
from server.rosters.uploads import Uploads
from server.views.static import Assets


def make_application(
    databases: Databases,
    accounts: Accounts,
    gate: Gate,
    watched: Health,
    request_log: RequestLog,
    tables: Tables = TABLES,
    packages: Sequence[ModuleType] = views.PACKAGES,
    assets: Assets | None = None,
    audit: Audit | None = None,
    providers: Providers | None = None,
    uploads: Uploads | None = None,
    metrics_token: str | None = None,
) -> Application:
    """Make the web application: pages of these packages, and sockets and polls for these roles."""
    sockets = [(url, handler, {"gate": gate, "role": role}) for role in tables.roles for url, handler in routes(role)]
    application = Application(
        [
            *sockets,
            *health.handlers(watched),
            *metrics.handlers(gate.engine.scrape, metrics_token),
            *views.handlers(accounts, tables, packages, assets),
        ],
        log_function=request_log.note_request,
        **views.application_settings(
            accounts,
            databases,
            tables,
            assets,
            gate.engine.read_topic,
            gate.engine.journal,
            audit,
            providers,
            uploads,
            watched,
            gate.engine.count_workers,
        ),
    )
    application.add_transform(_last_answer(watched))
    return application


def _last_answer(watched: Health) -> type[OutputTransform]:
    """Return a transform that adds `Connection: close` to the responses of a stopping worker."""

    class LastAnswer(OutputTransform):
        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            if watched.stopping and status_code != HTTPStatus.SWITCHING_PROTOCOLS:
                headers["Connection"] = "close"
            return status_code, headers, chunk

    return LastAnswer

"""The web application of one worker: its sockets, polls and pages, and the line in the log of each request."""

import logging
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from types import ModuleType

from tornado.httputil import HTTPHeaders
from tornado.web import Application, OutputTransform, RequestHandler

from channels.roles import routes
from channels.transports.gate import Gate
from channels.transports.longpoll import ChannelPoll
from server import views
from server.accounts.accounts import Accounts
from server.asyncapi import TABLES, Tables
from server.audit.audit import Audit
from server.databases import Databases
from server.oidc.client import Providers
from server.process import health, metrics
from server.process.health import Health
from server.rosters.uploads import Uploads
from server.views.static import Assets

log = logging.getLogger(__name__)

# What is asked for every few seconds, by each client or monitor.
FREQUENT = (health.Alive, health.Ready, metrics.MetricsPage, ChannelPoll)


def make_application(
    databases: Databases,
    accounts: Accounts,
    gate: Gate,
    watched: Health,
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
        log_function=partial(_log_request, watched),
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


def _log_request(watched: Health, handler: RequestHandler) -> None:
    """Log a request without its query, which may hold a bearer token."""
    request, status = handler.request, handler.get_status()
    watched.responses[status // 100] += 1
    is_frequent = isinstance(handler, FREQUENT)
    level = logging.DEBUG if is_frequent else _level(watched, status)
    _log_line(level, status, request.method, request.path, request.remote_ip, request.request_time())


def log_upgrade(watched: Health, status: int, path: str, address: str, seconds: float) -> None:
    """Log a WebSocket that was opened or refused without a handler, as `_log_request` does."""
    watched.responses[status // 100] += 1
    _log_line(_level(watched, status), status, "GET", path, address, seconds)


def _level(watched: Health, status: int) -> int:
    # The cause of a 503 is logged where it is detected. During a stop, 500 is a request that was still waiting.
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE
    return logging.ERROR if is_ours and not watched.stopping else logging.INFO


def _log_line(level: int, status: int, method: str | None, path: str, address: str | None, seconds: float) -> None:
    log.log(level, "%d %s %s %s %.0f ms", status, method, path, address, 1000 * seconds)

"""The security headers of every response: a page, a file, a refused socket, an error.

A transform of Tornado's sets them on every response, so that no handler can forget one; a handler's own value of one of
these headers is kept.
"""

from http import HTTPStatus

from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform

# Scripts, styles, images and sockets from here only, nothing inline: what a user types cannot become any of them.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class StrictHeaders(OutputTransform):
    """Adds these headers to a response, and removes the one that names the server and its version."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Change the headers."""
        headers.pop("Server", None)
        for name, value in ({} if status_code == HTTPStatus.SWITCHING_PROTOCOLS else HEADERS).items():
            headers.setdefault(name, value)
        return status_code, headers, chunk

"""The pages for developers."""

from typing import Any

from tornado.escape import json_encode
from tornado.web import HTTPError

from channels.member import RoleName
from server.asyncapi import make_document
from server.views.base import Page
from server.views.docs.reader import Reader


class ProtocolDocument(Page):
    """The protocol as an AsyncAPI document, for programs."""

    public = True

    async def get(self) -> None:
        """Answer with the document."""
        self.answer_with_document()

    def answer_with_document(self) -> None:
        """Answer with the document, as JSON."""
        self.set_header("Content-Type", "application/json")
        self.finish(json_encode(self.document()))

    def document(self) -> dict[str, Any]:
        """Return the document of this school, at the address by which it was asked."""
        return make_document(f"{self.request.protocol}://{self.request.host}", self.tables)


class Protocol(ProtocolDocument):
    """The same for people: all of it, or what concerns one role."""

    async def get(self) -> None:
        """Show the page; who accepts JSON and no HTML gets the document."""
        self.set_header("Vary", "Accept, Accept-Language, Cookie")
        accepted = self.request.headers.get("Accept", "")
        if "json" in accepted and "html" not in accepted:
            self.answer_with_document()
        else:
            role = self._role()
            roles = list(self.tables.rules.by_name)
            await self.show("protocol.html", protocol=Reader(self.document(), role), role=role, roles=roles)

    def _role(self) -> RoleName | None:
        asked = self.get_query_argument("role", None) or None
        if asked is not None and asked not in self.tables.rules.by_name:
            raise HTTPError(404, "no such role")
        return asked

"""The page that finds messages and announcements; what it finds comes by the socket."""

from channels.topics.kind import CLASS, parse_wire
from server.views.base import Page

SEARCH = "/search"
# As much as a search takes (channels.limit.MAX_SEARCH_CHARACTERS).
MAX_CHARACTERS = 200


class SearchPage(Page):
    """A field, and what it finds; `text` and `topic` of the address are looked for at once."""

    async def get(self) -> None:
        """Show the page."""
        topic = self.get_query_argument("topic", "")
        address = parse_wire(topic, self.member.user.id, self.tables.kinds)
        room = self.member.classes.get(address.number) if address is not None and address.kind is CLASS else None
        classes = [{"id": each.id, "title": each.title} for each in self.member.classes.values()]
        await self.show(
            "search.html",
            text=self.get_query_argument("text", "")[:MAX_CHARACTERS],
            classroom=room,
            limit=MAX_CHARACTERS,
            navigation=self.navigation(),
            page_data=self.page_data(classes=classes),
        )

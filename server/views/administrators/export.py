"""Giving out to somebody what the school keeps of them."""

from server.records.export import archive, export_person
from server.records.export_page import as_page
from server.views.administrators.person import PersonPage
from server.views.audit.words import words_of_kinds


class ExportPerson(PersonPage):
    """The export of one person."""

    async def get(self, user_id: str) -> None:
        """Send a zip with a page to read and the same for programs; that it was made is recorded first."""
        account = (await self.find(int(user_id))).account
        await self.audit.record("person:exported", self.member.user, subject_id=account.id)
        export = await export_person(self.databases, account.id)
        translate = self.locale.translate
        page = as_page(export, self.language.tag, self.zone, translate, words_of_kinds(translate))
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f'attachment; filename="person-{account.id}.zip"')
        self.write(archive(export, page))

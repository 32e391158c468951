"""Finds the users whom an import concerns, so that the workers read only these again and not the whole school.

Concerned are users who change or end, everybody in a class that changes or whose people change (members see how many
students a class has), and users of the roles that see all classes, when any class changes.
"""

from sqlalchemy import Select, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from channels.roles import ROLES
from server.databases.accounts import Enrolment
from server.databases.enrolments import users_of_roles
from server.databases.imports import ImportBefore
from server.rosters.created import Created


async def concerned(db: AsyncSession, import_id: int, created: Created, *, classes_changed: bool) -> set[int]:
    """Return their ids, after an import or before it is undone: what it changed is what it keeps of before."""
    touched = or_(Enrolment.id.in_(_before(import_id, "enrolment")), created.holds("enrolment", Enrolment.id))
    users = select(Enrolment.user_id).where(touched)
    classes = union(select(Enrolment.class_id).where(touched), _before(import_id, "class")).subquery()
    members = select(Enrolment.user_id).where(Enrolment.active, Enrolment.class_id.in_(select(classes.c[0])))
    found = set(await db.scalars(union(_before(import_id, "user"), users, members)))
    if classes_changed:
        found |= await users_of_roles(db, [role.name for role in ROLES if role.sees_all_classes])
    return found


def _before(import_id: int, kind: str) -> Select[int]:
    return select(ImportBefore.row_id).where(ImportBefore.import_id == import_id, ImportBefore.kind == kind)

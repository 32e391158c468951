"""What the `accounts` and the `audit` database say of a person, and how it goes when the person is erased."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.databases.accounts import Account, Audited, Badge, Credential, Enrolment, Failure, UserIdentity
from server.databases.audit import AuditRecord, Record
from server.databases.folded import folded
from server.databases.imports import Import, ImportBefore, ImportDifference, ImportPart
from server.databases.relatives import KeptRelative

# A login has no blank: nobody else can have such a one.
_LOGIN = "erased {}"

# Records that are read and written in one transaction: some ms.
AT_ONCE = 500


class Former(NamedTuple):
    """How a person was called before."""

    name: str
    login: str

    def is_in(self, text: str) -> bool:
        """Tell whether a text names the person."""
        return any(each.casefold() in text.casefold() for each in self if each)

    def taken_from(self, value: Any) -> Any:
        """Return a value as JSON has it without the texts that name the person."""
        if isinstance(value, dict):
            return {name: self.taken_from(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.taken_from(each) for each in value]
        return "" if isinstance(value, str) and self.is_in(value) else value


async def erase_account(db: AsyncSession, account: Account, name: str, *, forgets: bool) -> Former:
    """Take from an account all but its number and role, and name it so; return how the person was called.

    It can never be used again. `forgets`: nor does anything say which classes they were in.
    """
    former, user_id = Former(account.name, account.login), account.id
    account.name, account.login, account.sourced_id = name, _LOGIN.format(user_id), None
    account.folded = folded(name, account.login)
    account.password_hash = account.code_hash = account.code_expires_at = account.signed_in_at = None
    account.enabled = account.active = False
    for table in (Credential, UserIdentity, Badge, KeptRelative):
        await _run(db, delete(table).where(table.user_id == user_id))
    if forgets:
        await _run(db, delete(Enrolment).where(Enrolment.user_id == user_id))
    else:
        ended = {"active": False, "listed": False, "sourced_id": None}
        await _run(db, update(Enrolment).where(Enrolment.user_id == user_id).values(**ended))
    await _forget_failures(db, former)
    await _forget_imports(db, former, user_id)
    return former


def is_erased(account: Account) -> bool:
    """Tell whether an account is what an erasure has left."""
    return account.login == _LOGIN.format(account.id)


# For queries: the accounts of people who were not erased.
NOT_ERASED = Account.login.not_like(_LOGIN.format("%"))


async def _forget_failures(db: AsyncSession, former: Former) -> None:
    await _run(db, delete(Failure).where(func.lower(Failure.key).contains(former.login.lower(), autoescape=True)))


async def _forget_imports(db: AsyncSession, former: Former, user_id: int) -> None:
    """Take somebody out of what imports have noted; undoing one leaves them erased."""
    await _run(db, delete(ImportBefore).where(ImportBefore.kind == "user", ImportBefore.row_id == user_id))
    written = [msgspec.json.encode(each).decode()[1:-1] for each in former if each]
    named = or_(*(ImportDifference.detail.contains(each, autoescape=True) for each in written))
    await _run(db, delete(ImportDifference).where(named))
    # The roster that waits is compressed, and has them in it.
    waiting = select(ImportPart.import_id)
    await _run(db, update(Import).where(Import.id.in_(waiting), Import.state == "ready").values(state="discarded"))
    await _run(
        db, delete(ImportPart).where(ImportPart.import_id.in_(select(Import.id).where(Import.state == "discarded")))
    )
    for column in (Import.result, Import.problems):
        for each in written:
            changed = update(Import).where(column.contains(each, autoescape=True))
            await _run(db, changed.values({column: func.replace(column, each, "—")}))


# Records


Redact = Callable[[Record], Record]


async def redact_waiting(db: AsyncSession, redact: Redact) -> None:
    """Rewrite the records that wait in the accounts to be copied to the audit log."""
    for id_, text in (await db.execute(select(Audited.id, Audited.record))).all():
        record = msgspec.json.decode(text, type=Record)
        if (changed := redact(record)) != record:
            values = {"record": msgspec.json.encode(changed).decode()}
            await _run(db, update(Audited).where(Audited.id == id_).values(**values))


async def redact_records(
    db: AsyncSession, user_id: int, former: Former | None, redact: Redact, after: int
) -> int | None:
    """Rewrite the next records past an id that are by, about or naming a person; return how far, None at the end."""
    query = select(AuditRecord).where(AuditRecord.id > after, or_(*_naming(user_id, former)))
    rows = (await db.scalars(query.order_by(AuditRecord.id).limit(AT_ONCE))).all()
    for row in rows:
        given = msgspec.json.decode(row.detail)
        record = Record(row.key, row.at, row.kind, row.user_id, row.subject_id, detail=given)
        changed = redact(record).detail
        if changed != given:
            row.detail = msgspec.json.encode(changed).decode()
    return rows[-1].id if len(rows) == AT_ONCE else None


def _naming(user_id: int, former: Former | None) -> Iterable[Any]:
    yield AuditRecord.user_id == user_id
    yield AuditRecord.subject_id == user_id
    yield AuditRecord.detail.contains(f'"id":{user_id},', autoescape=True)
    for each in former or ():
        if each:
            yield func.lower(AuditRecord.detail).contains(
                msgspec.json.encode(each.lower()).decode()[1:-1], autoescape=True
            )


async def _run(db: AsyncSession, statement: Any) -> None:
    await db.execute(statement, execution_options={"synchronize_session": False})

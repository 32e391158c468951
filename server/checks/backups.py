"""The last backup, which the audit log has."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from server.backups.last import OLD_BACKUP_MS, last_backup
from server.checks.finding import Finding, ok, warning
from server.clock import now_ms
from server.databases import Databases
from server.databases.engine import read_url
from server.databases.errors import DatabaseError
from server.schemas import SCHEMAS
from server.settings import Settings

_PART = "backup"
_ADVICE = "Make one each night, and keep copies on another machine: deploy/lousa-backup.timer, or “backup DIR”."


async def check_backup(settings: Settings) -> Finding | None:
    """Check when the last backup was made; None where the audit log cannot be asked, which has its own line."""
    if not _is_there(settings.databases):
        return None
    databases = Databases(settings.databases, SCHEMAS)
    try:
        last = await last_backup(databases)
    except DatabaseError:
        return None
    finally:
        await databases.dispose()
    if last is None:
        return warning(_PART, "The audit log knows of no backup.", _ADVICE)
    made = datetime.fromtimestamp(last.at / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    text = f"The last one is of {made}, in {last.detail.get('folder', '')}."
    return warning(_PART, text, _ADVICE) if now_ms() - last.at > OLD_BACKUP_MS else ok(_PART, text)


def _is_there(urls: Mapping[str, str]) -> bool:
    """Tell whether the log exists: to ask for a file would make it."""
    try:
        url = read_url("audit", urls["audit"])
    except DatabaseError:
        return False
    return url.get_backend_name() != "sqlite" or Path(url.database or "").exists()

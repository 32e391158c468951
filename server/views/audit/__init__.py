"""The audit log, for the roles that may read it (`Role.reads_audit`)."""

from server.views.audit.audit import AUDIT, AuditPage, AuditSheet

handlers = [(AUDIT, AuditPage), (rf"{AUDIT}\.csv", AuditSheet)]

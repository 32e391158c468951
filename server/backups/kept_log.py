"""What an audit log that a restore keeps gets of the backup's: records, erasures and legal holds that it lacks.

The log here may be younger than the backup (the usual case), or older: of a server that was set up anew on another
machine, and started once. Nothing of either may be lost. The statements are the same for both kinds of database; each
makes the tables of the backup readable under the names `backup_…` before.
"""

# The same columns in all revisions. A hold that was lifted stays so, where the log still knows. Otherwise it comes
# back: the office can lift it again, and nobody can bring back what was deleted without it. It gets a number of its
# own, since its old one may be another's.
ADDED = {
    "records": """
        INSERT INTO records (key, at, kind, user_id, subject_id, topic, target, detail)
        SELECT key, at, kind, user_id, subject_id, topic, target, detail FROM backup_records
        WHERE true ON CONFLICT DO NOTHING
    """,
    "erasures": """
        INSERT INTO erasures (user_id, way, at, by_id) SELECT user_id, way, at, by_id FROM backup_erasures
        WHERE true ON CONFLICT DO NOTHING
    """,
    "holds": """
        INSERT INTO holds (user_id, class_id, reason, at, by_id)
        SELECT user_id, class_id, reason, at, by_id FROM backup_holds AS was
        WHERE NOT EXISTS (
            SELECT 1 FROM holds AS here WHERE here.at = was.at
            AND coalesce(here.user_id, 0) = coalesce(was.user_id, 0)
            AND coalesce(here.class_id, 0) = coalesce(was.class_id, 0)
        ) AND NOT EXISTS (
            SELECT 1 FROM records WHERE records.kind = 'hold:lifted' AND records.at >= was.at
            AND coalesce(records.subject_id, 0) = coalesce(was.user_id, 0)
            AND records.detail = '{"hold":' || was.id || '}'
        ) ORDER BY was.id
    """,
}

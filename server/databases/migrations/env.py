"""Runs revisions on the connection that server/databases/migration.py gives; alembic executes this file by its path.

SQLite cannot change a table in place, so a revision that does uses `op.batch_alter_table`, which PostgreSQL takes too.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    # SQLite's tables are made and changed inside the transaction as well: the engine begins it itself.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

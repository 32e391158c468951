"""Runs revisions on the connection of server/databases/migration.py; alembic executes this file by its path.

SQLite cannot change a table in place, so a revision that does uses `op.batch_alter_table`, which PostgreSQL takes too.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    # SQLite too creates and changes tables inside the transaction, which our engine begins.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

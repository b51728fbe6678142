"""Alembic's way in: runs the steps over the connection that `migrate` has locked."""

from alembic import context

from leafcraft.db import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    # SQLite can roll its DDL back; MySQL commits each statement by itself.
    transactional_ddl=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()

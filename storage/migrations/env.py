"""What Alembic runs: the migrations on the connection that migrate.py hands over, or, without one, as text."""

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    # For PostgreSQL, whose driver is not SQLAlchemy's: the statements only, the transaction is the caller's.
    context.configure(dialect_name=context.config.attributes["dialect"], transactional_ddl=False)
    context.run_migrations()
else:
    context.configure(connection=connection, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()

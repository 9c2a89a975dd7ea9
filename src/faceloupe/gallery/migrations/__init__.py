"""Migrations, which Alembic runs to bring a gallery to the newest schema."""

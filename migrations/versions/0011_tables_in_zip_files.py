"""A result says which table it is, where its file is a zip of several."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE result ADD COLUMN entry varchar(255)")


def downgrade() -> None:
    op.execute("ALTER TABLE result DROP COLUMN entry")

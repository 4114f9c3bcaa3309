"""A version says what looked like personal data in it, who reviewed that, and which columns stayed behind."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE version ADD COLUMN privacy jsonb DEFAULT '{}'::jsonb NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE version DROP COLUMN privacy")

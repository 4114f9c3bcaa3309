"""A file is open to many only when all that is in it was looked through; of those read before this is known by their kind."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("ALTER TABLE result ADD COLUMN looked_through boolean NOT NULL DEFAULT false")
    op.execute(
        "UPDATE result SET looked_through = true WHERE state = 'ready' AND entry IS NULL"
        " AND report->>'kind' NOT IN ('xlsx', 'zip') AND NOT report->'assumed' ? 'packed'"
        " AND report->'personal' ? 'rows' AND NOT report->'personal'->'found' @? '$[*] ? (@.kind != \"device\" && @.kind != \"ip\")'"
        " AND NOT report->'problems' @> '[{\"rule\": \"column-dropped\"}]'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE result DROP COLUMN looked_through")

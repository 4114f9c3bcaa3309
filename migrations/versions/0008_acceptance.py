"""Results are checked against a schema, answered about, accepted, corrected; trials say who may decide."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE trial
            ADD COLUMN auto_accept boolean DEFAULT false NOT NULL,
            ADD COLUMN partial varchar(32) DEFAULT 'coordinator' NOT NULL,
            ADD CONSTRAINT ck_trial_partial CHECK (partial IN ('partner', 'coordinator', 'never'))
    """)
    op.execute("""
        ALTER TABLE result
            ADD COLUMN findings_sha256 varchar(64),
            ADD COLUMN lines_sha256 varchar(64),
            ADD COLUMN schema_id bigint,
            ADD COLUMN answers jsonb DEFAULT '{}'::jsonb NOT NULL,
            ADD COLUMN replaces_id bigint,
            ADD COLUMN corrects boolean DEFAULT false NOT NULL,
            ADD COLUMN acceptance varchar(32) DEFAULT 'open' NOT NULL,
            ADD COLUMN acceptance_reason varchar(1000),
            ADD COLUMN accepted_at timestamptz,
            ADD COLUMN accepted_by_id bigint,
            ADD COLUMN asked_at timestamptz,
            ADD CONSTRAINT fk_result_schema_id FOREIGN KEY(schema_id) REFERENCES table_schema (id) ON DELETE RESTRICT,
            ADD CONSTRAINT fk_result_replaces_id FOREIGN KEY(replaces_id) REFERENCES result (id) ON DELETE RESTRICT,
            ADD CONSTRAINT fk_result_accepted_by_id FOREIGN KEY(accepted_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            ADD CONSTRAINT ck_result_acceptance
                CHECK (acceptance IN ('open', 'accepted', 'accepted_partly', 'refused', 'replaced', 'withdrawn'))
    """)
    op.execute("CREATE INDEX ix_result_schema_id ON result (schema_id)")
    op.execute("CREATE INDEX ix_result_replaces_id ON result (replaces_id)")
    op.execute("CREATE INDEX ix_result_accepted_by_id ON result (accepted_by_id)")


def downgrade() -> None:
    op.execute("""
        ALTER TABLE result
            DROP COLUMN findings_sha256, DROP COLUMN lines_sha256, DROP COLUMN schema_id, DROP COLUMN answers,
            DROP COLUMN replaces_id, DROP COLUMN corrects, DROP COLUMN acceptance, DROP COLUMN acceptance_reason,
            DROP COLUMN accepted_at, DROP COLUMN accepted_by_id, DROP COLUMN asked_at
    """)
    op.execute("ALTER TABLE trial DROP COLUMN auto_accept, DROP COLUMN partial")

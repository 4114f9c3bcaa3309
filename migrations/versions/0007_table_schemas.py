"""Table schemas: what a file handed in to a trial must look like, numbered and never changed."""

from alembic import op

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE table_schema (
            id bigint GENERATED ALWAYS AS IDENTITY,
            trial_id bigint NOT NULL,
            number integer NOT NULL,
            body jsonb DEFAULT '{}'::jsonb NOT NULL,
            sha256 varchar(64) NOT NULL,
            note varchar(1000),
            frozen_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            CONSTRAINT pk_table_schema PRIMARY KEY (id),
            CONSTRAINT uq_table_schema_trial_id_number UNIQUE (trial_id, number),
            CONSTRAINT ck_table_schema_number CHECK (number >= 1),
            CONSTRAINT ck_table_schema_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            CONSTRAINT fk_table_schema_trial_id FOREIGN KEY(trial_id) REFERENCES trial (id) ON DELETE RESTRICT,
            CONSTRAINT fk_table_schema_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_table_schema_trial_id ON table_schema (trial_id)")
    op.execute("CREATE INDEX ix_table_schema_created_by_id ON table_schema (created_by_id)")
    op.execute(
        "CREATE TRIGGER table_schema_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON table_schema"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("DROP TABLE table_schema")

"""Resumable uploads."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE upload (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            person_id bigint NOT NULL,
            trial_id bigint NOT NULL,
            owner_id bigint NOT NULL,
            length_bytes bigint,
            offset_bytes bigint DEFAULT 0 NOT NULL,
            metadata_sent varchar(8192) NOT NULL,
            state varchar(32) NOT NULL,
            problem jsonb,
            sha256 varchar(64),
            result_id bigint,
            lease_owner uuid,
            lease_epoch bigint DEFAULT 0 NOT NULL,
            lease_until timestamptz,
            expires_at timestamptz DEFAULT now() NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            ended_at timestamptz,
            CONSTRAINT pk_upload PRIMARY KEY (id),
            CONSTRAINT uq_upload_identifier UNIQUE (identifier),
            CONSTRAINT ck_upload_offset CHECK (offset_bytes >= 0 AND offset_bytes <= length_bytes),
            CONSTRAINT fk_upload_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_upload_trial_id FOREIGN KEY(trial_id) REFERENCES trial (id) ON DELETE RESTRICT,
            CONSTRAINT fk_upload_owner_id FOREIGN KEY(owner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT fk_upload_result_id FOREIGN KEY(result_id) REFERENCES result (id) ON DELETE RESTRICT,
            CONSTRAINT ck_upload_state CHECK (state IN ('arriving', 'verifying', 'done', 'refused', 'rejected', 'expired', 'ended'))
        )
    """)
    for column in ("person_id", "trial_id", "owner_id", "result_id", "expires_at"):
        op.execute(f"CREATE INDEX ix_upload_{column} ON upload ({column})")


def downgrade() -> None:
    op.execute("DROP TABLE upload")

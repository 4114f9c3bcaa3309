"""The units of a trial, and the arms they are allocated to."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE arm (
            id bigint GENERATED ALWAYS AS IDENTITY,
            trial_id bigint NOT NULL,
            name varchar(120) NOT NULL,
            kind varchar(32) NOT NULL,
            CONSTRAINT pk_arm PRIMARY KEY (id),
            CONSTRAINT uq_arm_trial_id_name UNIQUE (trial_id, name),
            CONSTRAINT ck_arm_kind CHECK (kind IN ('treatment', 'control')),
            CONSTRAINT fk_arm_trial_id FOREIGN KEY(trial_id) REFERENCES trial (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_arm_trial_id ON arm (trial_id)")
    op.execute("""
        CREATE TABLE unit (
            id bigint GENERATED ALWAYS AS IDENTITY,
            trial_id bigint NOT NULL,
            arm_id bigint,
            label varchar(80) NOT NULL,
            CONSTRAINT pk_unit PRIMARY KEY (id),
            CONSTRAINT uq_unit_trial_id_label UNIQUE (trial_id, label),
            CONSTRAINT fk_unit_trial_id FOREIGN KEY(trial_id) REFERENCES trial (id) ON DELETE RESTRICT,
            CONSTRAINT fk_unit_arm_id FOREIGN KEY(arm_id) REFERENCES arm (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_unit_trial_id ON unit (trial_id)")
    op.execute("CREATE INDEX ix_unit_arm_id ON unit (arm_id)")


def downgrade() -> None:
    op.execute("DROP TABLE unit")
    op.execute("DROP TABLE arm")

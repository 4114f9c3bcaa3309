"""Devices, and the dated episodes in which they sit at places."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE device_model (
            id bigint GENERATED ALWAYS AS IDENTITY,
            name varchar(200) NOT NULL,
            maker varchar(200) NOT NULL,
            kind varchar(32) NOT NULL,
            description varchar(4000) NOT NULL,
            datasheet_url varchar(300),
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            CONSTRAINT pk_device_model PRIMARY KEY (id),
            CONSTRAINT uq_device_model_maker_name UNIQUE (maker, name),
            CONSTRAINT ck_device_model_kind CHECK (kind IN ('lorawan', 'cellular', 'wifi', 'manual', 'virtual')),
            CONSTRAINT fk_device_model_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_device_model_created_by_id ON device_model (created_by_id)")
    op.execute("""
        CREATE TABLE place (
            id bigint GENERATED ALWAYS AS IDENTITY,
            code varchar(20) NOT NULL,
            testbed_id bigint NOT NULL,
            name jsonb DEFAULT '{}'::jsonb NOT NULL,
            position jsonb,
            indoor boolean DEFAULT false NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            CONSTRAINT pk_place PRIMARY KEY (id),
            CONSTRAINT uq_place_code UNIQUE (code),
            CONSTRAINT fk_place_testbed_id FOREIGN KEY(testbed_id) REFERENCES testbed (id) ON DELETE RESTRICT,
            CONSTRAINT fk_place_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_place_created_by_id ON place (created_by_id)")
    op.execute("CREATE INDEX ix_place_testbed_id ON place (testbed_id)")
    op.execute("""
        CREATE TABLE device (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            code varchar(20) NOT NULL,
            device_model_id bigint NOT NULL,
            testbed_id bigint NOT NULL,
            owner_id bigint NOT NULL,
            pilot_id bigint,
            name varchar(200) NOT NULL,
            serial varchar(80),
            dev_eui varchar(16),
            state varchar(32) NOT NULL,
            purpose jsonb,
            note varchar(4000),
            visibility varchar(32) NOT NULL,
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_device PRIMARY KEY (id),
            CONSTRAINT uq_device_code UNIQUE (code),
            CONSTRAINT uq_device_dev_eui UNIQUE (dev_eui),
            CONSTRAINT uq_device_device_model_id_serial UNIQUE (device_model_id, serial),
            CONSTRAINT ck_device_dev_eui CHECK (dev_eui ~ '^[0-9a-f]{16}$'),
            CONSTRAINT uq_device_identifier UNIQUE (identifier),
            CONSTRAINT fk_device_device_model_id FOREIGN KEY(device_model_id) REFERENCES device_model (id) ON DELETE RESTRICT,
            CONSTRAINT fk_device_testbed_id FOREIGN KEY(testbed_id) REFERENCES testbed (id) ON DELETE RESTRICT,
            CONSTRAINT fk_device_owner_id FOREIGN KEY(owner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT fk_device_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE RESTRICT,
            CONSTRAINT ck_device_state CHECK (state IN ('registered', 'active', 'lost', 'broken', 'retired')),
            CONSTRAINT ck_device_visibility CHECK (visibility IN ('public', 'partners', 'internal', 'restricted')),
            CONSTRAINT fk_device_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_device_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_device_created_by_id ON device (created_by_id)")
    op.execute("CREATE INDEX ix_device_device_model_id ON device (device_model_id)")
    op.execute("CREATE INDEX ix_device_owner_id ON device (owner_id)")
    op.execute("CREATE INDEX ix_device_pilot_id ON device (pilot_id)")
    op.execute("CREATE INDEX ix_device_testbed_id ON device (testbed_id)")
    op.execute("CREATE INDEX ix_device_updated_by_id ON device (updated_by_id)")
    op.execute("""
        CREATE TABLE deployment (
            id bigint GENERATED ALWAYS AS IDENTITY,
            device_id bigint NOT NULL,
            place_id bigint NOT NULL,
            pilot_id bigint,
            during tstzrange NOT NULL,
            height_m double precision,
            note varchar(1000),
            installed_by_id bigint,
            removed_by_id bigint,
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_deployment PRIMARY KEY (id),
            CONSTRAINT ex_deployment_device_overlap EXCLUDE USING gist (int8range(device_id, device_id, '[]') WITH &&, during WITH &&),
            CONSTRAINT ck_deployment_during CHECK (NOT isempty(during) AND NOT lower_inf(during)),
            CONSTRAINT fk_deployment_device_id FOREIGN KEY(device_id) REFERENCES device (id) ON DELETE RESTRICT,
            CONSTRAINT fk_deployment_place_id FOREIGN KEY(place_id) REFERENCES place (id) ON DELETE RESTRICT,
            CONSTRAINT fk_deployment_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE RESTRICT,
            CONSTRAINT fk_deployment_installed_by_id FOREIGN KEY(installed_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_deployment_removed_by_id FOREIGN KEY(removed_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_deployment_device_id ON deployment (device_id)")
    op.execute("CREATE INDEX ix_deployment_installed_by_id ON deployment (installed_by_id)")
    op.execute("CREATE INDEX ix_deployment_pilot_id ON deployment (pilot_id)")
    op.execute("CREATE INDEX ix_deployment_place_id ON deployment (place_id)")
    op.execute("CREATE INDEX ix_deployment_removed_by_id ON deployment (removed_by_id)")


def downgrade() -> None:
    for table in ("deployment", "device", "place", "device_model"):
        op.execute(f"DROP TABLE {table}")

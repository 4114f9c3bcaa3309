"""Testbeds, the pilots run in them, and who takes part."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE testbed (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            slug varchar(80) NOT NULL,
            name jsonb DEFAULT '{}'::jsonb NOT NULL,
            description jsonb,
            environment varchar(32) NOT NULL,
            owner_partner_id bigint NOT NULL,
            location jsonb,
            infrastructure text[] DEFAULT '{}' NOT NULL,
            season_from varchar(5),
            season_to varchar(5),
            capacity integer,
            house_rules jsonb,
            contact_mailbox varchar(254),
            visibility varchar(32) NOT NULL,
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_testbed PRIMARY KEY (id),
            CONSTRAINT uq_testbed_slug UNIQUE (slug),
            CONSTRAINT ck_testbed_capacity CHECK (capacity > 0),
            CONSTRAINT uq_testbed_identifier UNIQUE (identifier),
            CONSTRAINT ck_testbed_environment CHECK (environment IN ('lab', 'simulated', 'real')),
            CONSTRAINT fk_testbed_owner_partner_id FOREIGN KEY(owner_partner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT ck_testbed_visibility CHECK (visibility IN ('public', 'partners', 'internal', 'restricted')),
            CONSTRAINT fk_testbed_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_testbed_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_testbed_created_by_id ON testbed (created_by_id)")
    op.execute("CREATE INDEX ix_testbed_owner_partner_id ON testbed (owner_partner_id)")
    op.execute("CREATE INDEX ix_testbed_updated_by_id ON testbed (updated_by_id)")
    op.execute("""
        CREATE TABLE testbed_coordinator (
            id bigint GENERATED ALWAYS AS IDENTITY,
            person_id bigint NOT NULL,
            testbed_id bigint NOT NULL,
            since timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_testbed_coordinator PRIMARY KEY (id),
            CONSTRAINT uq_testbed_coordinator_person_id_testbed_id UNIQUE (person_id, testbed_id),
            CONSTRAINT fk_testbed_coordinator_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE,
            CONSTRAINT fk_testbed_coordinator_testbed_id FOREIGN KEY(testbed_id) REFERENCES testbed (id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX ix_testbed_coordinator_person_id ON testbed_coordinator (person_id)")
    op.execute("CREATE INDEX ix_testbed_coordinator_testbed_id ON testbed_coordinator (testbed_id)")
    op.execute("""
        CREATE TABLE need (
            id bigint GENERATED ALWAYS AS IDENTITY,
            testbed_id bigint NOT NULL,
            statement varchar(300) NOT NULL,
            user_groups text[] DEFAULT '{}' NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_need PRIMARY KEY (id),
            CONSTRAINT ck_need_user_groups CHECK (user_groups <@ ARRAY['residents', 'visitors', 'staff', 'companies', 'children', 'older', 'disabilities']::text[] AND cardinality(user_groups) >= 0),
            CONSTRAINT fk_need_testbed_id FOREIGN KEY(testbed_id) REFERENCES testbed (id) ON DELETE RESTRICT,
            CONSTRAINT fk_need_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_need_created_by_id ON need (created_by_id)")
    op.execute("CREATE INDEX ix_need_testbed_id ON need (testbed_id)")
    op.execute("""
        CREATE TABLE pilot (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            code varchar(20) NOT NULL,
            testbed_id bigint NOT NULL,
            title jsonb DEFAULT '{}'::jsonb NOT NULL,
            question jsonb,
            summary_plain jsonb,
            lead_partner_id bigint,
            coordinator_id bigint,
            planned_start_on date,
            planned_end_on date,
            quick jsonb DEFAULT '{}'::jsonb NOT NULL,
            stage varchar(32) NOT NULL,
            state varchar(32) NOT NULL,
            tags text[] DEFAULT '{}' NOT NULL,
            visibility varchar(32) NOT NULL,
            form_seconds integer,
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_pilot PRIMARY KEY (id),
            CONSTRAINT uq_pilot_code UNIQUE (code),
            CONSTRAINT ck_pilot_dates CHECK (planned_start_on <= planned_end_on),
            CONSTRAINT uq_pilot_identifier UNIQUE (identifier),
            CONSTRAINT fk_pilot_testbed_id FOREIGN KEY(testbed_id) REFERENCES testbed (id) ON DELETE RESTRICT,
            CONSTRAINT fk_pilot_lead_partner_id FOREIGN KEY(lead_partner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT fk_pilot_coordinator_id FOREIGN KEY(coordinator_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT ck_pilot_stage CHECK (stage IN ('need', 'proposed', 'planned', 'ready', 'running', 'evaluating', 'decided', 'benefits', 'archived')),
            CONSTRAINT ck_pilot_state CHECK (state IN ('active', 'paused', 'terminated', 'withdrawn')),
            CONSTRAINT ck_pilot_visibility CHECK (visibility IN ('public', 'partners', 'internal', 'restricted')),
            CONSTRAINT fk_pilot_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_pilot_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_pilot_coordinator_id ON pilot (coordinator_id)")
    op.execute("CREATE INDEX ix_pilot_created_by_id ON pilot (created_by_id)")
    op.execute("CREATE INDEX ix_pilot_lead_partner_id ON pilot (lead_partner_id)")
    op.execute("CREATE INDEX ix_pilot_testbed_id ON pilot (testbed_id)")
    op.execute("CREATE INDEX ix_pilot_updated_by_id ON pilot (updated_by_id)")
    op.execute("CREATE INDEX ix_pilot_updated_at_id ON pilot (updated_at, id) WHERE archived_at IS NULL")
    op.execute("""
        CREATE TABLE pilot_need (
            id bigint GENERATED ALWAYS AS IDENTITY,
            pilot_id bigint NOT NULL,
            need_id bigint NOT NULL,
            CONSTRAINT pk_pilot_need PRIMARY KEY (id),
            CONSTRAINT uq_pilot_need_pilot_id_need_id UNIQUE (pilot_id, need_id),
            CONSTRAINT fk_pilot_need_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE CASCADE,
            CONSTRAINT fk_pilot_need_need_id FOREIGN KEY(need_id) REFERENCES need (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_pilot_need_need_id ON pilot_need (need_id)")
    op.execute("CREATE INDEX ix_pilot_need_pilot_id ON pilot_need (pilot_id)")
    op.execute("""
        CREATE TABLE pilot_case (
            id bigint GENERATED ALWAYS AS IDENTITY,
            pilot_id bigint NOT NULL,
            authority_id bigint NOT NULL,
            number varchar(80) NOT NULL,
            kind varchar(32) NOT NULL,
            url varchar(300),
            created_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_pilot_case PRIMARY KEY (id),
            CONSTRAINT uq_pilot_case_pilot_id_authority_id_number UNIQUE (pilot_id, authority_id, number),
            CONSTRAINT fk_pilot_case_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE CASCADE,
            CONSTRAINT fk_pilot_case_authority_id FOREIGN KEY(authority_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT ck_pilot_case_kind CHECK (kind IN ('municipal', 'funder', 'permit', 'ethics', 'imy'))
        )
    """)
    op.execute("CREATE INDEX ix_pilot_case_authority_id ON pilot_case (authority_id)")
    op.execute("CREATE INDEX ix_pilot_case_pilot_id ON pilot_case (pilot_id)")
    op.execute("""
        CREATE TABLE pilot_partner (
            id bigint GENERATED ALWAYS AS IDENTITY,
            pilot_id bigint NOT NULL,
            partner_id bigint NOT NULL,
            roles text[] DEFAULT '{}' NOT NULL,
            joined_on date DEFAULT CURRENT_DATE NOT NULL,
            left_on date,
            CONSTRAINT pk_pilot_partner PRIMARY KEY (id),
            CONSTRAINT uq_pilot_partner_pilot_id_partner_id UNIQUE (pilot_id, partner_id),
            CONSTRAINT ck_pilot_partner_roles CHECK (roles <@ ARRAY['lead', 'need_owner', 'host', 'supplier', 'researcher', 'evaluator', 'funder', 'observer']::text[] AND cardinality(roles) >= 1),
            CONSTRAINT ck_pilot_partner_days CHECK (left_on >= joined_on),
            CONSTRAINT fk_pilot_partner_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE CASCADE,
            CONSTRAINT fk_pilot_partner_partner_id FOREIGN KEY(partner_id) REFERENCES partner (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_pilot_partner_partner_id ON pilot_partner (partner_id)")
    op.execute("CREATE INDEX ix_pilot_partner_pilot_id ON pilot_partner (pilot_id)")
    op.execute("""
        CREATE TABLE stage_change (
            id bigint GENERATED ALWAYS AS IDENTITY,
            pilot_id bigint NOT NULL,
            from_stage varchar(32) NOT NULL,
            to_stage varchar(32) NOT NULL,
            reason varchar(1000),
            at timestamptz DEFAULT now() NOT NULL,
            by_id bigint,
            CONSTRAINT pk_stage_change PRIMARY KEY (id),
            CONSTRAINT fk_stage_change_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE CASCADE,
            CONSTRAINT ck_stage_change_from_stage CHECK (from_stage IN ('need', 'proposed', 'planned', 'ready', 'running', 'evaluating', 'decided', 'benefits', 'archived')),
            CONSTRAINT ck_stage_change_to_stage CHECK (to_stage IN ('need', 'proposed', 'planned', 'ready', 'running', 'evaluating', 'decided', 'benefits', 'archived')),
            CONSTRAINT fk_stage_change_by_id FOREIGN KEY(by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_stage_change_by_id ON stage_change (by_id)")
    op.execute("CREATE INDEX ix_stage_change_pilot_id ON stage_change (pilot_id)")
    op.execute("""
        CREATE TABLE code_counter (
            id bigint GENERATED ALWAYS AS IDENTITY,
            prefix varchar(5) NOT NULL,
            year integer NOT NULL,
            last integer NOT NULL,
            CONSTRAINT pk_code_counter PRIMARY KEY (id),
            CONSTRAINT uq_code_counter_prefix_year UNIQUE (prefix, year)
        )
    """)


def downgrade() -> None:
    for table in (
        "code_counter",
        "stage_change",
        "pilot_partner",
        "pilot_case",
        "pilot_need",
        "pilot",
        "need",
        "testbed_coordinator",
        "testbed",
    ):
        op.execute(f"DROP TABLE {table}")

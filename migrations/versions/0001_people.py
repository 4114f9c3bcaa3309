"""People, their secrets, partners and memberships; jobs and the activity log."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE person (
            id bigint GENERATED ALWAYS AS IDENTITY,
            name varchar(120) NOT NULL,
            email varchar(254) NOT NULL,
            state varchar(32) NOT NULL,
            admin boolean DEFAULT false NOT NULL,
            locale varchar(8),
            orcid varchar(19),
            password_hash varchar(300),
            created_at timestamptz DEFAULT now() NOT NULL,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_person PRIMARY KEY (id),
            CONSTRAINT uq_person_email UNIQUE (email),
            CONSTRAINT ck_person_email_lower CHECK (email = lower(email)),
            CONSTRAINT ck_person_state CHECK (state IN ('invited', 'active', 'suspended'))
        )
    """)
    op.execute("""
        CREATE TABLE partner (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            slug varchar(80) NOT NULL,
            name varchar(200) NOT NULL,
            kind varchar(32) NOT NULL,
            parent_id bigint,
            orgnr varchar(10),
            orgnr_personal boolean DEFAULT false NOT NULL,
            foreign_id varchar(80),
            ror varchar(40),
            country varchar(2) DEFAULT 'SE' NOT NULL,
            contact_mailbox varchar(254),
            website varchar(300),
            visibility varchar(32) NOT NULL,
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_partner PRIMARY KEY (id),
            CONSTRAINT uq_partner_slug UNIQUE (slug),
            CONSTRAINT uq_partner_orgnr UNIQUE (orgnr),
            CONSTRAINT uq_partner_identifier UNIQUE (identifier),
            CONSTRAINT ck_partner_kind CHECK (kind IN ('city', 'department', 'municipal_company', 'company', 'university', 'institute', 'region', 'state', 'association', 'citizen_group')),
            CONSTRAINT fk_partner_parent_id FOREIGN KEY(parent_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT ck_partner_visibility CHECK (visibility IN ('public', 'partners', 'internal', 'restricted')),
            CONSTRAINT fk_partner_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_partner_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_partner_created_by_id ON partner (created_by_id)")
    op.execute("CREATE INDEX ix_partner_parent_id ON partner (parent_id)")
    op.execute("CREATE INDEX ix_partner_updated_by_id ON partner (updated_by_id)")
    op.execute("""
        CREATE TABLE membership (
            id bigint GENERATED ALWAYS AS IDENTITY,
            person_id bigint NOT NULL,
            partner_id bigint NOT NULL,
            role varchar(32) NOT NULL,
            from_on date DEFAULT CURRENT_DATE NOT NULL,
            to_on date,
            CONSTRAINT pk_membership PRIMARY KEY (id),
            CONSTRAINT ex_membership_overlap EXCLUDE USING gist (int8range(person_id, person_id, '[]') WITH &&, int8range(partner_id, partner_id, '[]') WITH &&, daterange(from_on, to_on, '[]') WITH &&),
            CONSTRAINT ck_membership_days CHECK (to_on >= from_on),
            CONSTRAINT fk_membership_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_membership_partner_id FOREIGN KEY(partner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT ck_membership_role CHECK (role IN ('manager', 'member'))
        )
    """)
    op.execute("CREATE INDEX ix_membership_partner_id ON membership (partner_id)")
    op.execute("CREATE INDEX ix_membership_person_id ON membership (person_id)")
    op.execute("""
        CREATE TABLE session (
            id bigint GENERATED ALWAYS AS IDENTITY,
            person_id bigint NOT NULL,
            sha256 bytea NOT NULL,
            signed_in_at timestamptz DEFAULT now() NOT NULL,
            seen_at timestamptz DEFAULT now() NOT NULL,
            expires_at timestamptz DEFAULT now() NOT NULL,
            user_agent varchar(200) NOT NULL,
            CONSTRAINT pk_session PRIMARY KEY (id),
            CONSTRAINT fk_session_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE,
            CONSTRAINT uq_session_sha256 UNIQUE (sha256)
        )
    """)
    op.execute("CREATE INDEX ix_session_person_id ON session (person_id)")
    op.execute("""
        CREATE TABLE token (
            id bigint GENERATED ALWAYS AS IDENTITY,
            person_id bigint NOT NULL,
            name varchar(120) NOT NULL,
            public varchar(8) NOT NULL,
            sha256 bytea NOT NULL,
            scopes text[] DEFAULT '{}' NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            expires_at timestamptz DEFAULT now() NOT NULL,
            used_at timestamptz,
            revoked_at timestamptz,
            CONSTRAINT pk_token PRIMARY KEY (id),
            CONSTRAINT ck_token_scopes CHECK (scopes <@ ARRAY['read', 'export', 'upload', 'observe', 'manage', 'publish']::text[] AND cardinality(scopes) >= 1),
            CONSTRAINT fk_token_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE,
            CONSTRAINT uq_token_public UNIQUE (public)
        )
    """)
    op.execute("CREATE INDEX ix_token_person_id ON token (person_id)")
    op.execute("""
        CREATE TABLE one_time_link (
            id bigint GENERATED ALWAYS AS IDENTITY,
            purpose varchar(32) NOT NULL,
            sha256 bytea NOT NULL,
            person_id bigint,
            created_by_id bigint,
            created_at timestamptz DEFAULT now() NOT NULL,
            expires_at timestamptz DEFAULT now() NOT NULL,
            used_at timestamptz,
            CONSTRAINT pk_one_time_link PRIMARY KEY (id),
            CONSTRAINT ck_one_time_link_purpose CHECK (purpose IN ('first_admin', 'invite', 'reset')),
            CONSTRAINT uq_one_time_link_sha256 UNIQUE (sha256),
            CONSTRAINT fk_one_time_link_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE,
            CONSTRAINT fk_one_time_link_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_one_time_link_created_by_id ON one_time_link (created_by_id)")
    op.execute("CREATE INDEX ix_one_time_link_person_id ON one_time_link (person_id)")
    op.execute("""
        CREATE TABLE rate_bucket (
            key varchar(80) NOT NULL,
            tries integer NOT NULL,
            since timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_rate_bucket PRIMARY KEY (key)
        )
    """)
    op.execute("""
        CREATE TABLE job (
            id bigint GENERATED ALWAYS AS IDENTITY,
            kind varchar(80) NOT NULL,
            args jsonb DEFAULT '{}'::jsonb NOT NULL,
            person_id bigint,
            unique_key varchar(200),
            state varchar(32) NOT NULL,
            run_at timestamptz DEFAULT now() NOT NULL,
            attempts integer DEFAULT 0 NOT NULL,
            max_attempts integer DEFAULT 3 NOT NULL,
            lease_until timestamptz,
            worker varchar(120),
            step varchar(80),
            done bigint,
            total bigint,
            error varchar(4000),
            result jsonb,
            created_at timestamptz DEFAULT now() NOT NULL,
            ended_at timestamptz,
            CONSTRAINT pk_job PRIMARY KEY (id),
            CONSTRAINT fk_job_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE SET NULL,
            CONSTRAINT ck_job_state CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled'))
        )
    """)
    op.execute("CREATE INDEX ix_job_person_id ON job (person_id)")
    op.execute("CREATE INDEX ix_job_ready ON job (run_at, id) WHERE state IN ('queued', 'running')")
    op.execute("CREATE UNIQUE INDEX uq_job_once ON job (unique_key) WHERE state IN ('queued', 'running')")
    op.execute("""
        CREATE TABLE activity (
            id bigint GENERATED ALWAYS AS IDENTITY,
            at timestamptz DEFAULT now() NOT NULL,
            actor_kind varchar(16) NOT NULL,
            person_id bigint,
            action varchar(60) NOT NULL,
            object_type varchar(40) NOT NULL,
            object_id bigint,
            pilot_id bigint,
            request_id varchar(40) NOT NULL,
            details jsonb DEFAULT '{}'::jsonb NOT NULL,
            CONSTRAINT pk_activity PRIMARY KEY (id),
            CONSTRAINT fk_activity_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_activity_object_id ON activity (object_id)")
    op.execute("CREATE INDEX ix_activity_object_type ON activity (object_type)")
    op.execute("CREATE INDEX ix_activity_person_id ON activity (person_id)")
    op.execute("CREATE INDEX ix_activity_pilot_id ON activity (pilot_id)")
    op.execute("""
        CREATE TABLE activity_seal (
            id bigint GENERATED ALWAYS AS IDENTITY,
            activity_id bigint NOT NULL,
            sha256 bytea NOT NULL,
            sealed_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_activity_seal PRIMARY KEY (id),
            CONSTRAINT uq_activity_seal_activity_id UNIQUE (activity_id),
            CONSTRAINT fk_activity_seal_activity_id FOREIGN KEY(activity_id) REFERENCES activity (id)
        )
    """)


def downgrade() -> None:
    for table in (
        "activity_seal",
        "activity",
        "job",
        "rate_bucket",
        "one_time_link",
        "token",
        "session",
        "membership",
        "partner",
        "person",
    ):
        op.execute(f"DROP TABLE {table}")

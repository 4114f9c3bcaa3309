"""Trials and their results, datasets and their versions, outcomes and decisions."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE trial (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            pilot_id bigint NOT NULL,
            title jsonb DEFAULT '{}'::jsonb NOT NULL,
            description jsonb,
            design varchar(32),
            start_on date,
            end_on date,
            visibility varchar(32) NOT NULL,
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_trial PRIMARY KEY (id),
            CONSTRAINT ck_trial_dates CHECK (start_on <= end_on),
            CONSTRAINT uq_trial_identifier UNIQUE (identifier),
            CONSTRAINT fk_trial_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE RESTRICT,
            CONSTRAINT ck_trial_design CHECK (design IN ('after_only', 'before_after', 'its', 'controlled_before_after', 'rct', 'crossover', 'stepped_wedge', 'qualitative')),
            CONSTRAINT ck_trial_visibility CHECK (visibility IN ('public', 'partners', 'internal', 'restricted')),
            CONSTRAINT fk_trial_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_trial_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_trial_created_by_id ON trial (created_by_id)")
    op.execute("CREATE INDEX ix_trial_pilot_id ON trial (pilot_id)")
    op.execute("CREATE INDEX ix_trial_updated_by_id ON trial (updated_by_id)")
    op.execute("""
        CREATE TABLE result (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            code varchar(12) NOT NULL,
            trial_id bigint NOT NULL,
            owner_id bigint NOT NULL,
            person_id bigint,
            case_id bigint,
            job_id bigint,
            filename varchar(255) NOT NULL,
            sha256 varchar(64) NOT NULL,
            size bigint NOT NULL,
            digest_declared boolean DEFAULT false NOT NULL,
            note varchar(1000),
            access varchar(32) NOT NULL,
            generated boolean DEFAULT false NOT NULL,
            state varchar(32) NOT NULL,
            rows bigint,
            report jsonb,
            parquet_sha256 varchar(64),
            rejected_sha256 varchar(64),
            received_at timestamptz DEFAULT now() NOT NULL,
            archived_at timestamptz,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_result PRIMARY KEY (id),
            CONSTRAINT uq_result_code UNIQUE (code),
            CONSTRAINT ck_result_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            CONSTRAINT uq_result_identifier UNIQUE (identifier),
            CONSTRAINT fk_result_trial_id FOREIGN KEY(trial_id) REFERENCES trial (id) ON DELETE RESTRICT,
            CONSTRAINT fk_result_owner_id FOREIGN KEY(owner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT fk_result_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_result_case_id FOREIGN KEY(case_id) REFERENCES pilot_case (id) ON DELETE RESTRICT,
            CONSTRAINT fk_result_job_id FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE RESTRICT,
            CONSTRAINT ck_result_access CHECK (access IN ('public', 'registered', 'consortium', 'restricted', 'private')),
            CONSTRAINT ck_result_state CHECK (state IN ('received', 'reading', 'ready', 'partly', 'unreadable'))
        )
    """)
    op.execute("CREATE INDEX ix_result_case_id ON result (case_id)")
    op.execute("CREATE INDEX ix_result_job_id ON result (job_id)")
    op.execute("CREATE INDEX ix_result_owner_id ON result (owner_id)")
    op.execute("CREATE INDEX ix_result_person_id ON result (person_id)")
    op.execute("CREATE INDEX ix_result_sha256 ON result (sha256)")
    op.execute("CREATE INDEX ix_result_trial_id ON result (trial_id)")
    op.execute("""
        CREATE TABLE dataset (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            slug varchar(80) NOT NULL,
            pilot_id bigint NOT NULL,
            owner_id bigint NOT NULL,
            title jsonb DEFAULT '{}'::jsonb NOT NULL,
            description jsonb DEFAULT '{}'::jsonb NOT NULL,
            keywords text[] DEFAULT '{}' NOT NULL,
            licence varchar(32) NOT NULL,
            access varchar(32) NOT NULL,
            state varchar(32) NOT NULL,
            contact_mailbox varchar(254),
            generated boolean DEFAULT false NOT NULL,
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_dataset PRIMARY KEY (id),
            CONSTRAINT uq_dataset_slug UNIQUE (slug),
            CONSTRAINT uq_dataset_identifier UNIQUE (identifier),
            CONSTRAINT fk_dataset_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE RESTRICT,
            CONSTRAINT fk_dataset_owner_id FOREIGN KEY(owner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT ck_dataset_licence CHECK (licence IN ('CC0-1.0', 'CC-BY-4.0', 'CC-BY-SA-4.0', 'ODbL-1.0', 'ODC-By-1.0', 'LicenseRef-none')),
            CONSTRAINT ck_dataset_access CHECK (access IN ('public', 'registered', 'consortium', 'restricted', 'private')),
            CONSTRAINT ck_dataset_state CHECK (state IN ('draft', 'published', 'withdrawn')),
            CONSTRAINT fk_dataset_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_dataset_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_dataset_created_by_id ON dataset (created_by_id)")
    op.execute("CREATE INDEX ix_dataset_owner_id ON dataset (owner_id)")
    op.execute("CREATE INDEX ix_dataset_pilot_id ON dataset (pilot_id)")
    op.execute("CREATE INDEX ix_dataset_updated_by_id ON dataset (updated_by_id)")
    op.execute("""
        CREATE TABLE dataset_result (
            id bigint GENERATED ALWAYS AS IDENTITY,
            dataset_id bigint NOT NULL,
            result_id bigint NOT NULL,
            position integer NOT NULL,
            CONSTRAINT pk_dataset_result PRIMARY KEY (id),
            CONSTRAINT uq_dataset_result_dataset_id_result_id UNIQUE (dataset_id, result_id),
            CONSTRAINT fk_dataset_result_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE CASCADE,
            CONSTRAINT fk_dataset_result_result_id FOREIGN KEY(result_id) REFERENCES result (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_dataset_result_dataset_id ON dataset_result (dataset_id)")
    op.execute("CREATE INDEX ix_dataset_result_result_id ON dataset_result (result_id)")
    op.execute("""
        CREATE TABLE version (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            dataset_id bigint NOT NULL,
            number varchar(20) NOT NULL,
            notes varchar(4000),
            rows bigint NOT NULL,
            profile jsonb DEFAULT '{}'::jsonb NOT NULL,
            manifest jsonb DEFAULT '{}'::jsonb NOT NULL,
            manifest_sha256 varchar(64) NOT NULL,
            parquet_sha256 varchar(64) NOT NULL,
            parquet_size bigint NOT NULL,
            csv_sha256 varchar(64) NOT NULL,
            csv_size bigint NOT NULL,
            self_approved boolean DEFAULT false NOT NULL,
            published_at timestamptz DEFAULT now() NOT NULL,
            published_by_id bigint,
            CONSTRAINT pk_version PRIMARY KEY (id),
            CONSTRAINT uq_version_dataset_id_number UNIQUE (dataset_id, number),
            CONSTRAINT uq_version_identifier UNIQUE (identifier),
            CONSTRAINT fk_version_dataset_id FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE RESTRICT,
            CONSTRAINT fk_version_published_by_id FOREIGN KEY(published_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_version_dataset_id ON version (dataset_id)")
    op.execute("CREATE INDEX ix_version_published_by_id ON version (published_by_id)")
    op.execute("""
        CREATE TABLE version_source (
            id bigint GENERATED ALWAYS AS IDENTITY,
            version_id bigint NOT NULL,
            result_id bigint NOT NULL,
            filename varchar(255) NOT NULL,
            sha256 varchar(64) NOT NULL,
            size bigint NOT NULL,
            row_from bigint NOT NULL,
            row_to bigint NOT NULL,
            CONSTRAINT pk_version_source PRIMARY KEY (id),
            CONSTRAINT uq_version_source_version_id_result_id UNIQUE (version_id, result_id),
            CONSTRAINT uq_version_source_version_id_filename UNIQUE (version_id, filename),
            CONSTRAINT fk_version_source_version_id FOREIGN KEY(version_id) REFERENCES version (id) ON DELETE RESTRICT,
            CONSTRAINT fk_version_source_result_id FOREIGN KEY(result_id) REFERENCES result (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_version_source_result_id ON version_source (result_id)")
    op.execute("CREATE INDEX ix_version_source_version_id ON version_source (version_id)")
    op.execute("""
        CREATE TABLE outcome (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            pilot_id bigint NOT NULL,
            version_id bigint NOT NULL,
            indicator jsonb DEFAULT '{}'::jsonb NOT NULL,
            unit varchar(40) NOT NULL,
            baseline double precision,
            target double precision,
            result double precision NOT NULL,
            method jsonb DEFAULT '{}'::jsonb NOT NULL,
            note jsonb,
            generated boolean DEFAULT false NOT NULL,
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_outcome PRIMARY KEY (id),
            CONSTRAINT uq_outcome_identifier UNIQUE (identifier),
            CONSTRAINT fk_outcome_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE RESTRICT,
            CONSTRAINT fk_outcome_version_id FOREIGN KEY(version_id) REFERENCES version (id) ON DELETE RESTRICT,
            CONSTRAINT fk_outcome_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_outcome_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_outcome_created_by_id ON outcome (created_by_id)")
    op.execute("CREATE INDEX ix_outcome_pilot_id ON outcome (pilot_id)")
    op.execute("CREATE INDEX ix_outcome_updated_by_id ON outcome (updated_by_id)")
    op.execute("CREATE INDEX ix_outcome_version_id ON outcome (version_id)")
    op.execute("""
        CREATE TABLE decision (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            pilot_id bigint NOT NULL,
            outcome varchar(32) NOT NULL,
            decider varchar(200) NOT NULL,
            decided_on date NOT NULL,
            rationale jsonb DEFAULT '{}'::jsonb NOT NULL,
            case_id bigint,
            superseded_by_id bigint,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_decision PRIMARY KEY (id),
            CONSTRAINT uq_decision_identifier UNIQUE (identifier),
            CONSTRAINT fk_decision_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE RESTRICT,
            CONSTRAINT ck_decision_outcome CHECK (outcome IN ('adopt', 'scale', 'iterate', 'stop')),
            CONSTRAINT fk_decision_case_id FOREIGN KEY(case_id) REFERENCES pilot_case (id) ON DELETE RESTRICT,
            CONSTRAINT fk_decision_superseded_by_id FOREIGN KEY(superseded_by_id) REFERENCES decision (id) ON DELETE RESTRICT,
            CONSTRAINT fk_decision_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_decision_case_id ON decision (case_id)")
    op.execute("CREATE INDEX ix_decision_created_by_id ON decision (created_by_id)")
    op.execute("CREATE INDEX ix_decision_pilot_id ON decision (pilot_id)")
    op.execute("CREATE INDEX ix_decision_superseded_by_id ON decision (superseded_by_id)")
    op.execute("""
        CREATE TABLE lesson (
            id bigint GENERATED ALWAYS AS IDENTITY,
            pilot_id bigint NOT NULL,
            kind varchar(32) NOT NULL,
            lesson jsonb DEFAULT '{}'::jsonb NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            CONSTRAINT pk_lesson PRIMARY KEY (id),
            CONSTRAINT fk_lesson_pilot_id FOREIGN KEY(pilot_id) REFERENCES pilot (id) ON DELETE RESTRICT,
            CONSTRAINT ck_lesson_kind CHECK (kind IN ('technical', 'user', 'legal', 'organisational', 'procurement', 'data', 'winter')),
            CONSTRAINT fk_lesson_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_lesson_created_by_id ON lesson (created_by_id)")
    op.execute("CREATE INDEX ix_lesson_pilot_id ON lesson (pilot_id)")


def downgrade() -> None:
    for table in (
        "lesson",
        "decision",
        "outcome",
        "version_source",
        "version",
        "dataset_result",
        "dataset",
        "result",
        "trial",
    ):
        op.execute(f"DROP TABLE {table}")

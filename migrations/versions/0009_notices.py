"""Planned deliveries and the receipts that answer them; mail, reminders, and calls to partners' systems."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE planned_delivery (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            trial_id bigint NOT NULL,
            code varchar(12) NOT NULL,
            title jsonb DEFAULT '{}'::jsonb NOT NULL,
            description jsonb,
            from_partner_id bigint NOT NULL,
            due_on date NOT NULL,
            lost_reason varchar(1000),
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            updated_at timestamptz DEFAULT now() NOT NULL,
            updated_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_planned_delivery PRIMARY KEY (id),
            CONSTRAINT uq_planned_delivery_trial_id_code UNIQUE (trial_id, code),
            CONSTRAINT uq_planned_delivery_identifier UNIQUE (identifier),
            CONSTRAINT fk_planned_delivery_trial_id FOREIGN KEY(trial_id) REFERENCES trial (id) ON DELETE RESTRICT,
            CONSTRAINT fk_planned_delivery_from_partner_id FOREIGN KEY(from_partner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT fk_planned_delivery_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT fk_planned_delivery_updated_by_id FOREIGN KEY(updated_by_id) REFERENCES person (id) ON DELETE RESTRICT
        )
    """)
    op.execute("CREATE INDEX ix_planned_delivery_trial_id ON planned_delivery (trial_id)")
    op.execute("CREATE INDEX ix_planned_delivery_from_partner_id ON planned_delivery (from_partner_id)")
    op.execute("CREATE INDEX ix_planned_delivery_created_by_id ON planned_delivery (created_by_id)")
    op.execute("CREATE INDEX ix_planned_delivery_updated_by_id ON planned_delivery (updated_by_id)")
    op.execute("ALTER TABLE result ADD delivery_id bigint, ADD receipt jsonb")
    op.execute("""
        ALTER TABLE result ADD CONSTRAINT fk_result_delivery_id FOREIGN KEY(delivery_id)
            REFERENCES planned_delivery (id) ON DELETE RESTRICT
    """)
    op.execute("CREATE INDEX ix_result_delivery_id ON result (delivery_id)")
    op.execute("""
        CREATE TRIGGER result_receipt BEFORE UPDATE ON result FOR EACH ROW WHEN (
            (OLD.code, OLD.sha256, OLD.size, OLD.filename, OLD.digest_declared, OLD.received_at)
                IS DISTINCT FROM (NEW.code, NEW.sha256, NEW.size, NEW.filename, NEW.digest_declared, NEW.received_at)
            OR OLD.receipt IS NOT NULL AND OLD.receipt IS DISTINCT FROM NEW.receipt)
        EXECUTE FUNCTION refuse_change()
    """)
    op.execute("""
        CREATE TABLE reminder (
            id bigint GENERATED ALWAYS AS IDENTITY,
            delivery_id bigint NOT NULL,
            address varchar(254) NOT NULL,
            step varchar(12) NOT NULL,
            day date NOT NULL,
            CONSTRAINT pk_reminder PRIMARY KEY (id),
            CONSTRAINT uq_reminder_delivery_id_address_step UNIQUE (delivery_id, address, step),
            CONSTRAINT fk_reminder_delivery_id FOREIGN KEY(delivery_id) REFERENCES planned_delivery (id) ON DELETE CASCADE
        )
    """)
    op.execute("CREATE INDEX ix_reminder_delivery_id ON reminder (delivery_id)")
    op.execute("""
        CREATE TABLE reminder_day (
            id bigint GENERATED ALWAYS AS IDENTITY,
            day date NOT NULL,
            begun_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_reminder_day PRIMARY KEY (id),
            CONSTRAINT uq_reminder_day_day UNIQUE (day)
        )
    """)
    mail()
    webhooks()


def mail() -> None:
    kinds = "'receipt', 'checked', 'accepted', 'reminder', 'webhook'"
    op.execute(f"""
        ALTER TABLE person ADD mail_off text[] DEFAULT '{{}}' NOT NULL,
            ADD CONSTRAINT ck_person_mail_off CHECK (mail_off <@ ARRAY[{kinds}]::text[] AND cardinality(mail_off) >= 0)
    """)
    op.execute(f"""
        CREATE TABLE mail (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            kind varchar(32) NOT NULL,
            person_id bigint,
            address varchar(254) NOT NULL,
            subject varchar(300) NOT NULL,
            body varchar NOT NULL,
            once varchar(400) NOT NULL,
            state varchar(32) NOT NULL,
            attempts integer DEFAULT 0 NOT NULL,
            error varchar(1000),
            created_at timestamptz DEFAULT now() NOT NULL,
            sent_at timestamptz,
            CONSTRAINT pk_mail PRIMARY KEY (id),
            CONSTRAINT uq_mail_once UNIQUE (once),
            CONSTRAINT uq_mail_identifier UNIQUE (identifier),
            CONSTRAINT fk_mail_person_id FOREIGN KEY(person_id) REFERENCES person (id) ON DELETE CASCADE,
            CONSTRAINT ck_mail_kind CHECK (kind IN ({kinds})),
            CONSTRAINT ck_mail_state CHECK (state IN ('waiting', 'sent', 'failed', 'dropped'))
        )
    """)
    op.execute("CREATE INDEX ix_mail_person_id ON mail (person_id)")


def webhooks() -> None:
    events = "'result.received', 'result.checked', 'result.accepted', 'version.published'"
    op.execute(f"""
        CREATE TABLE webhook (
            id bigint GENERATED ALWAYS AS IDENTITY,
            partner_id bigint NOT NULL,
            url varchar(500) NOT NULL,
            secret bytea NOT NULL,
            events text[] DEFAULT '{{}}' NOT NULL,
            paused_at timestamptz,
            paused_why varchar(400),
            archived_at timestamptz,
            created_at timestamptz DEFAULT now() NOT NULL,
            created_by_id bigint,
            row_version integer DEFAULT 1 NOT NULL,
            CONSTRAINT pk_webhook PRIMARY KEY (id),
            CONSTRAINT fk_webhook_partner_id FOREIGN KEY(partner_id) REFERENCES partner (id) ON DELETE RESTRICT,
            CONSTRAINT fk_webhook_created_by_id FOREIGN KEY(created_by_id) REFERENCES person (id) ON DELETE RESTRICT,
            CONSTRAINT ck_webhook_events CHECK (events <@ ARRAY[{events}]::text[] AND cardinality(events) >= 1)
        )
    """)
    op.execute("CREATE INDEX ix_webhook_partner_id ON webhook (partner_id)")
    op.execute("CREATE INDEX ix_webhook_created_by_id ON webhook (created_by_id)")
    op.execute("""
        CREATE TABLE webhook_delivery (
            id bigint GENERATED ALWAYS AS IDENTITY,
            identifier uuid DEFAULT gen_random_uuid() NOT NULL,
            webhook_id bigint NOT NULL,
            event varchar(40) NOT NULL,
            once varchar(200) NOT NULL,
            data jsonb DEFAULT '{}'::jsonb NOT NULL,
            state varchar(32) NOT NULL,
            attempts integer DEFAULT 0 NOT NULL,
            status integer,
            error varchar(400),
            created_at timestamptz DEFAULT now() NOT NULL,
            tried_at timestamptz,
            next_at timestamptz,
            CONSTRAINT pk_webhook_delivery PRIMARY KEY (id),
            CONSTRAINT uq_webhook_delivery_webhook_id_once UNIQUE (webhook_id, once),
            CONSTRAINT uq_webhook_delivery_identifier UNIQUE (identifier),
            CONSTRAINT fk_webhook_delivery_webhook_id FOREIGN KEY(webhook_id) REFERENCES webhook (id) ON DELETE CASCADE,
            CONSTRAINT ck_webhook_delivery_state CHECK (state IN ('waiting', 'held', 'delivered', 'failed'))
        )
    """)
    op.execute("CREATE INDEX ix_webhook_delivery_webhook_id ON webhook_delivery (webhook_id)")


def downgrade() -> None:
    for table in ("webhook_delivery", "webhook", "mail", "reminder_day", "reminder"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE person DROP COLUMN mail_off")
    op.execute("DROP TRIGGER result_receipt ON result")
    op.execute("ALTER TABLE result DROP COLUMN delivery_id, DROP COLUMN receipt")
    op.execute("DROP TABLE planned_delivery")

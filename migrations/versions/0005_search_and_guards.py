"""Full-text search in Swedish and English, the Swedish order of names, and triggers that keep history as it was."""

from alembic import op

revision = "0005"
down_revision = "0004"

SEARCHED = {
    "partner": "name, orgnr_shown(orgnr, orgnr_personal), ror, website",
    "testbed": "name ->> 'sv', name ->> 'en', description ->> 'sv', description ->> 'en', array_text(infrastructure)",
    "pilot": "code, title ->> 'sv', title ->> 'en', question ->> 'sv', question ->> 'en',"
    " summary_plain ->> 'sv', summary_plain ->> 'en', array_text(tags)",
    "device": "code, name, serial, dev_eui, purpose ->> 'sv', purpose ->> 'en'",
    "trial": "title ->> 'sv', title ->> 'en', description ->> 'sv', description ->> 'en'",
    "result": "code, filename, note",
    "dataset": "slug, title ->> 'sv', title ->> 'en', description ->> 'sv', description ->> 'en', array_text(keywords)",
}
APPEND_ONLY = ["activity", "activity_seal", "stage_change", "version", "version_source"]
TRACK = "abcdefghijklmnopqrstuvwxyz{||}}{||}}eeeeeeyy"


def upgrade() -> None:
    op.execute(f"""
        CREATE FUNCTION sv_key(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN translate(t, 'ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÆÖØåäæöøÉÈÊéèêÜü', '{TRACK}')
    """)
    op.execute("""
        CREATE FUNCTION array_text(words text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN array_to_string(words, ' ')
    """)
    op.execute("""
        CREATE FUNCTION orgnr_shown(orgnr text, personal boolean) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN CASE WHEN personal THEN NULL ELSE orgnr || ' ' || left(orgnr, 6) || '-' || right(orgnr, 4) END
    """)
    op.execute("""
        CREATE FUNCTION search_words(VARIADIC texts text[]) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN to_tsvector('pg_catalog.swedish', array_to_string(texts, ' '))
            || to_tsvector('pg_catalog.english', array_to_string(texts, ' '))
            || to_tsvector('pg_catalog.simple', array_to_string(texts, ' '))
    """)
    for table, columns in SEARCHED.items():
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS (search_words({columns})) STORED"
        )
        op.execute(f"CREATE INDEX ix_{table}_search ON {table} USING gin (search)")
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% rows are never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
        END $$
    """)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change")
    for table in SEARCHED:
        op.execute(f"ALTER TABLE {table} DROP COLUMN search")
    for function in ("search_words", "orgnr_shown", "array_text", "sv_key"):
        op.execute(f"DROP FUNCTION {function}")

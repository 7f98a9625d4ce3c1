-- Words, codes and numbers are compared byte by byte, whatever language the database was made for: as SQLite does, many
-- times faster than by a language's rules, and in an order that no update of the system's locales changes under an index.
-- <https://www.postgresql.org/docs/current/collation.html>

DO $$
DECLARE
    changed RECORD;
BEGIN
    FOR changed IN
        SELECT c.oid::regclass AS name, string_agg(format('ALTER COLUMN %I TYPE TEXT COLLATE "C"', a.attname), ', ') AS columns
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname <> '_sqlx_migrations'
          AND a.atttypid = 'text'::regtype AND a.attcollation <> '"C"'::regcollation
        GROUP BY c.oid
    LOOP
        EXECUTE format('ALTER TABLE %s %s', changed.name, changed.columns);
    END LOOP;
END
$$;

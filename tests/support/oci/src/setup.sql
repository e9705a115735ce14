-- What makes a database one of ours: Oracle's types, functions and views, in the schema "oracle".
CREATE SCHEMA oracle;
GRANT USAGE, CREATE ON SCHEMA oracle TO PUBLIC;

-- CLOB, BLOB, RAW and DATE are types of their own: a CLOB cannot be compared, a DATE less a DATE is a number of days.
CREATE TYPE oracle.clob;
CREATE FUNCTION oracle.clob_in(cstring) RETURNS oracle.clob AS 'textin' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.clob_out(oracle.clob) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.clob_recv(internal) RETURNS oracle.clob AS 'textrecv' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.clob_send(oracle.clob) RETURNS bytea AS 'textsend' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE oracle.clob (INPUT = oracle.clob_in, OUTPUT = oracle.clob_out, RECEIVE = oracle.clob_recv, SEND = oracle.clob_send, LIKE = text);
CREATE CAST (oracle.clob AS text) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (oracle.clob AS varchar) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (text AS oracle.clob) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (varchar AS oracle.clob) WITHOUT FUNCTION AS ASSIGNMENT;

CREATE TYPE oracle.blob;
CREATE FUNCTION oracle.blob_in(cstring) RETURNS oracle.blob AS 'byteain' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.blob_out(oracle.blob) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.blob_recv(internal) RETURNS oracle.blob AS 'bytearecv' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.blob_send(oracle.blob) RETURNS bytea AS 'byteasend' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE oracle.blob (INPUT = oracle.blob_in, OUTPUT = oracle.blob_out, RECEIVE = oracle.blob_recv, SEND = oracle.blob_send, LIKE = bytea);
CREATE CAST (oracle.blob AS bytea) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (bytea AS oracle.blob) WITHOUT FUNCTION AS ASSIGNMENT;

CREATE TYPE oracle.raw;
CREATE FUNCTION oracle.raw_in(cstring) RETURNS oracle.raw AS 'byteain' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.raw_out(oracle.raw) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.raw_recv(internal) RETURNS oracle.raw AS 'bytearecv' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.raw_send(oracle.raw) RETURNS bytea AS 'byteasend' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE oracle.raw (INPUT = oracle.raw_in, OUTPUT = oracle.raw_out, RECEIVE = oracle.raw_recv, SEND = oracle.raw_send,
    TYPMOD_IN = varchartypmodin, TYPMOD_OUT = varchartypmodout, LIKE = bytea);
CREATE CAST (oracle.raw AS bytea) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bytea AS oracle.raw) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION oracle.raw_sized(oracle.raw, integer, boolean) RETURNS oracle.raw LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF octet_length($1::bytea) > $2 - 4 THEN
        RAISE EXCEPTION 'value too long for type RAW' USING ERRCODE = '22001';
    END IF;
    RETURN $1;
END $$;
CREATE CAST (oracle.raw AS oracle.raw) WITH FUNCTION oracle.raw_sized(oracle.raw, integer, boolean) AS IMPLICIT;

CREATE TYPE oracle.date;
CREATE FUNCTION oracle.date_in(cstring, oid, integer) RETURNS oracle.date AS 'timestamp_in' LANGUAGE internal STABLE STRICT;
CREATE FUNCTION oracle.date_out(oracle.date) RETURNS cstring AS 'timestamp_out' LANGUAGE internal STABLE STRICT;
CREATE FUNCTION oracle.date_recv(internal, oid, integer) RETURNS oracle.date AS 'timestamp_recv' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION oracle.date_send(oracle.date) RETURNS bytea AS 'timestamp_send' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE oracle.date (INPUT = oracle.date_in, OUTPUT = oracle.date_out, RECEIVE = oracle.date_recv, SEND = oracle.date_send, LIKE = timestamp, CATEGORY = 'D');
CREATE CAST (oracle.date AS timestamp) WITHOUT FUNCTION AS IMPLICIT;
CREATE FUNCTION oracle.seconds(timestamp) RETURNS oracle.date LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN date_trunc('second', $1)::text::oracle.date;
END $$;
CREATE CAST (timestamp AS oracle.date) WITH FUNCTION oracle.seconds(timestamp) AS ASSIGNMENT;
CREATE FUNCTION oracle.seconds(timestamptz) RETURNS oracle.date LANGUAGE sql STABLE STRICT AS 'SELECT oracle.seconds($1::timestamp)';
CREATE CAST (timestamptz AS oracle.date) WITH FUNCTION oracle.seconds(timestamptz) AS ASSIGNMENT;

-- What Oracle converts by itself where a value is assigned.
CREATE CAST (text AS numeric) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS numeric) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS bigint) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS timestamp) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS timestamp) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS oracle.date) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS oracle.date) WITH INOUT AS ASSIGNMENT;
CREATE CAST (text AS bytea) WITH INOUT AS ASSIGNMENT;

-- Arithmetic with days.
CREATE FUNCTION oracle.days_between(oracle.date, oracle.date) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT extract(epoch FROM $1::timestamp - $2::timestamp) / 86400';
CREATE OPERATOR oracle.- (LEFTARG = oracle.date, RIGHTARG = oracle.date, FUNCTION = oracle.days_between);
CREATE FUNCTION oracle.plus_days(oracle.date, numeric) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT oracle.seconds(date_trunc(''second'', $1::timestamp + make_interval(secs => ($2 * 86400)::float8) + interval ''0.5 second''))';
CREATE OPERATOR oracle.+ (LEFTARG = oracle.date, RIGHTARG = numeric, FUNCTION = oracle.plus_days);
CREATE FUNCTION oracle.less_days(oracle.date, numeric) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.plus_days($1, -$2)';
CREATE OPERATOR oracle.- (LEFTARG = oracle.date, RIGHTARG = numeric, FUNCTION = oracle.less_days);
-- A TIMESTAMP and a number of days make a DATE.
CREATE FUNCTION oracle.plus_days(timestamp, numeric) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.plus_days(oracle.seconds($1), $2)';
CREATE OPERATOR oracle.+ (LEFTARG = timestamp, RIGHTARG = numeric, FUNCTION = oracle.plus_days);
CREATE FUNCTION oracle.less_days(timestamp, numeric) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.plus_days(oracle.seconds($1), -$2)';
CREATE OPERATOR oracle.- (LEFTARG = timestamp, RIGHTARG = numeric, FUNCTION = oracle.less_days);

CREATE FUNCTION oracle.clob_like(oracle.clob, text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text LIKE $2';
CREATE OPERATOR oracle.~~ (LEFTARG = oracle.clob, RIGHTARG = text, FUNCTION = oracle.clob_like);

-- The clock. SYSDATE is the server's, whose zone is UTC here.
CREATE FUNCTION oracle.sysdate() RETURNS oracle.date LANGUAGE sql STABLE AS 'SELECT oracle.seconds(statement_timestamp() AT TIME ZONE ''UTC'')';
CREATE FUNCTION oracle.systimestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT statement_timestamp()';
CREATE FUNCTION oracle.sys_extract_utc(timestamptz) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 AT TIME ZONE ''UTC''';
CREATE FUNCTION oracle.from_tz(timestamp, text) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 AT TIME ZONE CASE $2 WHEN ''+00:00'' THEN ''UTC'' ELSE $2 END';

-- Format models: those of the list, and no other.
CREATE FUNCTION oracle.model(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE rest text := regexp_replace(upper($1), '"[^"]*"', '', 'g');
BEGIN
    rest := regexp_replace(rest, 'YYYY|MM|DD|HH24|MI|SS|FF[1-9]?|TZH|TZM|FM|FX|[-/:., ;]', '', 'g');
    IF rest <> '' THEN
        RAISE EXCEPTION 'the test server does not know the format model %', $1 USING ERRCODE = '0A000';
    END IF;
    RETURN replace(replace(replace(regexp_replace(regexp_replace($1, 'FX', '', 'gi'), 'FF9', 'US"000"', 'gi'), 'FF7', 'US"0"'), 'FF8', 'US"00"'), 'XFF', '.US');
END $$;
CREATE FUNCTION oracle.to_char(timestamp, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
    'SELECT pg_catalog.to_char($1, regexp_replace(oracle.model($2), ''FF(?![1-6])'', ''US'', ''gi''))';
CREATE FUNCTION oracle.to_char(timestamptz, text) RETURNS text LANGUAGE sql STABLE STRICT AS
    'SELECT pg_catalog.to_char($1, regexp_replace(oracle.model($2), ''FF(?![1-6])'', ''US'', ''gi''))';
CREATE FUNCTION oracle.to_char(oracle.date, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.to_char($1::timestamp, $2)';
CREATE FUNCTION oracle.to_char(numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
    'SELECT regexp_replace(trim_scale($1)::text, ''^(-?)0\.'', ''\1.'')';
CREATE FUNCTION oracle.to_char(numeric, text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF upper($2) IN ('TM', 'TM9', 'TME') THEN RETURN oracle.to_char($1); END IF;
    IF $2 !~ '^(FM)?[09]+([.D][09]+)?$' THEN
        RAISE EXCEPTION 'the test server does not know the format model %', $2 USING ERRCODE = '0A000';
    END IF;
    RETURN pg_catalog.to_char($1, $2);
END $$;
CREATE FUNCTION oracle.to_char(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION oracle.to_char(oracle.clob) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text';
-- A CHAR keeps its spaces.
CREATE FUNCTION oracle.to_char(bpchar) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT concat($1)';
-- By NLS_DATE_FORMAT and NLS_TIMESTAMP_FORMAT, which the session must have set.
CREATE FUNCTION oracle.to_char(timestamp) RETURNS text LANGUAGE sql STABLE STRICT AS 'SELECT oracle.to_char($1, current_setting(''oracle.nls_timestamp_format''))';
CREATE FUNCTION oracle.to_char(timestamptz) RETURNS text LANGUAGE sql STABLE STRICT AS 'SELECT oracle.to_char($1, current_setting(''oracle.nls_timestamp_tz_format''))';
CREATE FUNCTION oracle.to_char(oracle.date) RETURNS text LANGUAGE sql STABLE STRICT AS 'SELECT oracle.to_char($1::timestamp, current_setting(''oracle.nls_date_format''))';
CREATE FUNCTION oracle.to_timestamp(text, text) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT AS
    'SELECT pg_catalog.to_timestamp($1, regexp_replace(oracle.model($2), ''FF(?![1-6])'', ''US'', ''gi''))::timestamp';
CREATE FUNCTION oracle.to_date(text, text) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.seconds(oracle.to_timestamp($1, $2))';
CREATE FUNCTION oracle.to_date(oracle.clob, text) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.to_date($1::text, $2)';
CREATE FUNCTION oracle.to_number(text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::numeric';
CREATE FUNCTION oracle.to_number(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';

-- Texts: an empty one is null.
CREATE FUNCTION oracle.join(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULLIF(COALESCE($1, '''') || COALESCE($2, ''''), '''')';
CREATE FUNCTION oracle.length(text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.length($1)::numeric';
CREATE FUNCTION oracle.length(bpchar) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.length(concat($1))::numeric';
CREATE FUNCTION oracle.length(oracle.clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.length($1::text)::numeric';
CREATE FUNCTION oracle.lengthb(text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT octet_length($1)::numeric';
CREATE FUNCTION oracle.substr(text, numeric, numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT NULLIF(CASE WHEN $3 < 1 THEN NULL
        WHEN $2 < 0 AND -$2 > pg_catalog.length($1) THEN NULL
        WHEN $2 < 0 THEN pg_catalog.substr($1, (pg_catalog.length($1) + $2 + 1)::int, $3::int)
        ELSE pg_catalog.substr($1, GREATEST($2, 1)::int, $3::int) END, '') $$;
CREATE FUNCTION oracle.substr(text, numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.substr($1, $2, 2000000000)';
CREATE FUNCTION oracle.substr(oracle.clob, numeric, numeric) RETURNS oracle.clob LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.substr($1::text, $2, $3)::oracle.clob';
CREATE FUNCTION oracle.substr(oracle.clob, numeric) RETURNS oracle.clob LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.substr($1::text, $2)::oracle.clob';
CREATE FUNCTION oracle.instr(text, text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT strpos($1, $2)::numeric';
CREATE FUNCTION oracle.instr(oracle.clob, text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT strpos($1::text, $2)::numeric';
CREATE FUNCTION oracle.trim(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(btrim($1, '' ''), '''')';
CREATE FUNCTION oracle.trim(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(btrim($1, $2), '''')';
CREATE FUNCTION oracle.ltrim(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(pg_catalog.ltrim($1, '' ''), '''')';
CREATE FUNCTION oracle.ltrim(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(pg_catalog.ltrim($1, $2), '''')';
CREATE FUNCTION oracle.rtrim(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(pg_catalog.rtrim($1, '' ''), '''')';
CREATE FUNCTION oracle.rtrim(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(pg_catalog.rtrim($1, $2), '''')';
CREATE FUNCTION oracle.replace(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULLIF(pg_catalog.replace($1, COALESCE($2, ''''), COALESCE($3, '''')), '''')';
CREATE FUNCTION oracle.replace(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT oracle.replace($1, $2, NULL)';
CREATE FUNCTION oracle.translate(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(pg_catalog.translate($1, $2, $3), '''')';
CREATE FUNCTION oracle.regexp_replace(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULLIF(pg_catalog.regexp_replace($1, $2, COALESCE($3, ''''), ''g''), '''')';
CREATE FUNCTION oracle.regexp_replace(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT oracle.regexp_replace($1, $2, NULL)';
CREATE FUNCTION oracle.to_clob(text) RETURNS oracle.clob LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::oracle.clob';
CREATE FUNCTION oracle.to_clob(oracle.clob) RETURNS oracle.clob LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE FUNCTION oracle.empty_clob() RETURNS oracle.clob LANGUAGE sql IMMUTABLE AS 'SELECT ''''::oracle.clob';
CREATE FUNCTION oracle.empty_blob() RETURNS oracle.blob LANGUAGE sql IMMUTABLE AS 'SELECT ''''::oracle.blob';
CREATE FUNCTION oracle.rawtohex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT upper(encode($1, ''hex''))';
CREATE FUNCTION oracle.hextoraw(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT decode($1, ''hex'')';
CREATE FUNCTION oracle.cast_to_raw(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS 'SELECT convert_to($1, ''UTF8'')';
CREATE FUNCTION oracle.cast_to_varchar2(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT convert_from($1, ''UTF8'')';
CREATE FUNCTION oracle.lob_compare(oracle.clob, oracle.clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT CASE WHEN $1::text = $2::text THEN 0 WHEN $1::text < $2::text THEN -1 ELSE 1 END::numeric';
CREATE FUNCTION oracle.lob_compare(oracle.clob, text) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.lob_compare($1, $2::oracle.clob)';
CREATE FUNCTION oracle.lob_compare(text, oracle.clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.lob_compare($1::oracle.clob, $2)';
CREATE FUNCTION oracle.lob_compare(oracle.blob, oracle.blob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT CASE WHEN $1::bytea = $2::bytea THEN 0 WHEN $1::bytea < $2::bytea THEN -1 ELSE 1 END::numeric';
CREATE FUNCTION oracle.lob_length(oracle.clob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.length($1::text)::numeric';
CREATE FUNCTION oracle.lob_length(oracle.blob) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT octet_length($1::bytea)::numeric';
CREATE FUNCTION oracle.lob_substr(oracle.clob, numeric, numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.substr($1::text, $3, $2)';
CREATE FUNCTION oracle.lob_substr(oracle.clob, numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.substr($1::text, 1, $2)';

-- Numbers and intervals.
CREATE FUNCTION oracle.trunc(oracle.date) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.seconds(date_trunc(''day'', $1::timestamp))';
CREATE FUNCTION oracle.trunc(timestamp) RETURNS oracle.date LANGUAGE sql IMMUTABLE STRICT AS 'SELECT oracle.seconds(date_trunc(''day'', $1))';
CREATE FUNCTION oracle.trunc(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.trunc($1)';
CREATE FUNCTION oracle.trunc(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.trunc($1, $2::int)';
CREATE FUNCTION oracle.numtodsinterval(numeric, text) RETURNS interval LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN make_interval(secs => ($1 * CASE upper($2) WHEN 'DAY' THEN 86400 WHEN 'HOUR' THEN 3600 WHEN 'MINUTE' THEN 60 WHEN 'SECOND' THEN 1 END)::float8);
END $$;
CREATE FUNCTION oracle.sys_context(text, text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    CASE upper($2)
        WHEN 'CURRENT_SCHEMA', 'SESSION_USER', 'CURRENT_USER' THEN RETURN upper(session_user);
        WHEN 'SID', 'SESSIONID' THEN RETURN pg_backend_pid()::text;
        WHEN 'DB_NAME', 'SERVICE_NAME' THEN RETURN current_database();
        ELSE RAISE EXCEPTION 'the test server has no %', $2 USING ERRCODE = '0A000';
    END CASE;
END $$;

-- Temporary tables: a row for each, whose shape is a table of that name. A session makes its own like it.
CREATE TABLE oracle.temporary_tables (name text PRIMARY KEY, on_commit text NOT NULL);
GRANT SELECT, INSERT, DELETE ON oracle.temporary_tables TO PUBLIC;

CREATE VIEW oracle."DUAL" AS SELECT 'X'::varchar(1) AS "DUMMY";
CREATE FUNCTION oracle.owner(oid) RETURNS text LANGUAGE sql STABLE AS
    'SELECT CASE nspname WHEN ''public'' THEN upper(session_user) WHEN ''oracle'' THEN ''SYS'' ELSE nspname END FROM pg_namespace WHERE pg_namespace.oid = $1';
CREATE VIEW oracle."ALL_OBJECTS" AS
    SELECT oracle.owner(c.relnamespace)::varchar(128) AS "OWNER", c.relname::varchar(128) AS "OBJECT_NAME",
        CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END::varchar(19) AS "OBJECT_TYPE"
    FROM pg_class c WHERE c.relkind IN ('r', 'v', 'i', 'p') AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)')
        AND (c.relkind = 'i' OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE'));
CREATE VIEW oracle."ALL_TABLES" AS SELECT "OWNER", "OBJECT_NAME" AS "TABLE_NAME" FROM oracle."ALL_OBJECTS" WHERE "OBJECT_TYPE" = 'TABLE';
CREATE VIEW oracle."USER_TABLES" AS SELECT "TABLE_NAME" FROM oracle."ALL_TABLES" WHERE "OWNER" = upper(session_user);
CREATE VIEW oracle."ALL_VIEWS" AS SELECT "OWNER", "OBJECT_NAME" AS "VIEW_NAME" FROM oracle."ALL_OBJECTS" WHERE "OBJECT_TYPE" = 'VIEW';
CREATE VIEW oracle."USER_VIEWS" AS SELECT "VIEW_NAME" FROM oracle."ALL_VIEWS" WHERE "OWNER" = upper(session_user);
CREATE VIEW oracle."ALL_TAB_COLUMNS" AS
    SELECT oracle.owner(c.relnamespace)::varchar(128) AS "OWNER", c.relname::varchar(128) AS "TABLE_NAME", a.attname::varchar(128) AS "COLUMN_NAME",
        CASE t.typname WHEN 'varchar' THEN 'VARCHAR2' WHEN 'text' THEN 'VARCHAR2' WHEN 'bpchar' THEN 'CHAR' WHEN 'numeric' THEN 'NUMBER' WHEN 'int8' THEN 'NUMBER'
            WHEN 'timestamp' THEN 'TIMESTAMP(' || CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END || ')'
            WHEN 'timestamptz' THEN 'TIMESTAMP(' || CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END || ') WITH TIME ZONE'
            WHEN 'float8' THEN 'BINARY_DOUBLE' ELSE upper(t.typname) END::varchar(128) AS "DATA_TYPE",
        CASE t.typname WHEN 'varchar' THEN a.atttypmod - 4 WHEN 'bpchar' THEN a.atttypmod - 4 WHEN 'raw' THEN a.atttypmod - 4 WHEN 'date' THEN 7 WHEN 'numeric' THEN 22 ELSE 4000 END::numeric AS "DATA_LENGTH",
        CASE WHEN t.typname = 'numeric' AND a.atttypmod > 4 THEN (a.atttypmod - 4) >> 16 END::numeric AS "DATA_PRECISION",
        CASE WHEN t.typname = 'numeric' AND a.atttypmod > 4 THEN (a.atttypmod - 4) & 2047 END::numeric AS "DATA_SCALE",
        CASE WHEN t.typname IN ('varchar', 'bpchar') THEN a.atttypmod - 4 ELSE 0 END::numeric AS "CHAR_LENGTH",
        CASE WHEN a.attnotnull THEN 'N' ELSE 'Y' END::varchar(1) AS "NULLABLE",
        a.attnum::numeric AS "COLUMN_ID"
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relkind IN ('r', 'v', 'p') AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)')
        AND has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE');
CREATE VIEW oracle."USER_TAB_COLUMNS" AS SELECT * FROM oracle."ALL_TAB_COLUMNS" WHERE "OWNER" = upper(session_user);
GRANT SELECT ON ALL TABLES IN SCHEMA oracle TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;

CREATE FUNCTION oracle.unistr(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS 'SELECT NULLIF(pg_catalog.unistr($1), '''')';
CREATE FUNCTION oracle.xmltype(oracle.clob) RETURNS xml LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::text::xml';
CREATE FUNCTION oracle.xmltype(text) RETURNS xml LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::xml';

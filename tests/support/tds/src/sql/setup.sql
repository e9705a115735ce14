-- What a database of the test server needs before its first login: made once, in one transaction.
CREATE SCHEMA mssql;
CREATE SCHEMA sys;
CREATE COLLATION mssql.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE TABLE mssql.settings (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO mssql.settings VALUES ('snapshot_isolation_state', '1'), ('is_read_committed_snapshot_on', '1');

-- A column's type as it was declared, from its comment; else the nearest to PostgreSQL's own.
CREATE FUNCTION mssql.declared(relation oid, attribute smallint) RETURNS text STABLE LANGUAGE sql AS $$
  SELECT coalesce(substring(col_description(relation, attribute) FROM '^mssql:(.*)$'), CASE a.atttypid
    WHEN 'int2'::regtype THEN 'smallint' WHEN 'int4'::regtype THEN 'int' WHEN 'int8'::regtype THEN 'bigint'
    WHEN 'bool'::regtype THEN 'bit' WHEN 'float4'::regtype THEN 'real' WHEN 'float8'::regtype THEN 'float'
    WHEN 'text'::regtype THEN 'nvarchar(max)' WHEN 'bytea'::regtype THEN 'varbinary(max)' WHEN 'date'::regtype THEN 'date'
    WHEN 'varchar'::regtype THEN CASE WHEN a.atttypmod BETWEEN 5 AND 4004 THEN 'nvarchar(' || a.atttypmod - 4 || ')' ELSE 'nvarchar(max)' END
    WHEN 'bpchar'::regtype THEN CASE WHEN a.atttypmod BETWEEN 5 AND 4004 THEN 'nchar(' || a.atttypmod - 4 || ')' END
    WHEN 'timestamp'::regtype THEN 'datetime2(' || CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END || ')'
    WHEN 'timestamptz'::regtype THEN 'datetimeoffset(6)' WHEN 'time'::regtype THEN 'time(6)'
    WHEN 'uuid'::regtype THEN 'uniqueidentifier'
    WHEN 'numeric'::regtype THEN CASE WHEN a.atttypmod < 0 THEN 'decimal(38,6)'
      ELSE 'decimal(' || ((a.atttypmod - 4) >> 16) || ',' || ((a.atttypmod - 4) & 65535) || ')' END
    END) FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum = attribute $$;

CREATE FUNCTION mssql.schema_name(name name) RETURNS varchar(128) IMMUTABLE LANGUAGE sql AS
  $$ SELECT CASE WHEN name = 'public' THEN 'dbo' WHEN name LIKE 'pg_temp%' THEN 'dbo' ELSE name::text END $$;

-- The two or three parts of a name as it stands in OBJECT_ID('[a].[b]'), without the database.
CREATE FUNCTION mssql.name_parts(name text) RETURNS text[] IMMUTABLE LANGUAGE sql AS $$
  SELECT array_agg(CASE WHEN m[1] LIKE '[%' THEN replace(substr(m[1], 2, length(m[1]) - 2), ']]', ']')
                        WHEN m[1] LIKE '"%' THEN replace(substr(m[1], 2, length(m[1]) - 2), '""', '"') ELSE m[1] END)
  FROM regexp_matches(name COLLATE "C", '(\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*"|[^.\[\]"]+)', 'g') m $$;

CREATE FUNCTION mssql.may_see(relation oid) RETURNS boolean STABLE LANGUAGE sql AS $$
  SELECT has_table_privilege(relation, 'SELECT') OR has_table_privilege(relation, 'INSERT') OR has_table_privilege(relation, 'UPDATE')
    OR has_table_privilege(relation, 'DELETE') OR has_any_column_privilege(relation, 'SELECT') $$;

CREATE FUNCTION mssql.object_oid(name text) RETURNS oid STABLE LANGUAGE sql AS $$
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, mssql.name_parts(name) p
  WHERE c.relname::text COLLATE mssql.ci = p[cardinality(p)] AND c.relkind IN ('r', 'v', 'p', 'm')
    AND CASE WHEN p[cardinality(p)] LIKE '#%' THEN n.oid = pg_my_temp_schema()
             ELSE mssql.schema_name(n.nspname)::text COLLATE mssql.ci = CASE WHEN cardinality(p) > 1 THEN p[cardinality(p) - 1] ELSE 'dbo' END
                  AND n.nspname NOT LIKE 'pg\_%' END
  ORDER BY c.relname = p[cardinality(p)] DESC LIMIT 1 $$;

CREATE FUNCTION mssql.object_id(name text, kind text DEFAULT NULL) RETURNS int STABLE LANGUAGE sql AS $$
  SELECT c.oid::int FROM pg_class c WHERE c.oid = mssql.object_oid(name) AND mssql.may_see(c.oid)
    AND (kind IS NULL OR upper(btrim(kind)) = CASE WHEN c.relkind IN ('r', 'p') THEN 'U' ELSE 'V' END) $$;

CREATE FUNCTION mssql.length_of(declared text) RETURNS int IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE WHEN declared LIKE '%(max)' THEN -1
    WHEN declared ~ '^n(var)?char' THEN 2 * substring(declared FROM '\((\d+)')::int
    WHEN declared ~ '^(var)?(char|binary)' THEN substring(declared FROM '\((\d+)')::int
    WHEN declared ~ '^decimal' THEN CASE WHEN substring(declared FROM '\((\d+)')::int < 10 THEN 5
      WHEN substring(declared FROM '\((\d+)')::int < 20 THEN 9 WHEN substring(declared FROM '\((\d+)')::int < 29 THEN 13 ELSE 17 END
    ELSE CASE split_part(declared, '(', 1) WHEN 'bit' THEN 1 WHEN 'tinyint' THEN 1 WHEN 'smallint' THEN 2 WHEN 'int' THEN 4
      WHEN 'date' THEN 3 WHEN 'real' THEN 4 WHEN 'smalldatetime' THEN 4 WHEN 'uniqueidentifier' THEN 16 WHEN 'datetimeoffset' THEN 10
      WHEN 'time' THEN 5 ELSE 8 END END $$;

CREATE FUNCTION mssql.col_length(name text, attribute text) RETURNS smallint STABLE LANGUAGE sql AS $$
  SELECT mssql.length_of(mssql.declared(a.attrelid, a.attnum))::smallint FROM pg_attribute a
  WHERE a.attrelid = mssql.object_id(name)::oid AND a.attname::text COLLATE mssql.ci = attribute AND a.attnum > 0 AND NOT a.attisdropped $$;

CREATE FUNCTION mssql.has_perms_by_name(name text, class text, permission text) RETURNS int STABLE LANGUAGE sql AS $$
  SELECT (CASE
    WHEN upper(class) = 'OBJECT' AND upper(permission) IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES') THEN
      has_table_privilege(mssql.object_oid(name), permission)
    WHEN upper(class) = 'OBJECT' THEN (SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = mssql.object_oid(name))
    WHEN upper(class) = 'SCHEMA' THEN (SELECT has_schema_privilege(oid, CASE WHEN upper(permission) = 'ALTER' THEN 'CREATE' ELSE 'USAGE' END)
      FROM pg_namespace, mssql.name_parts(name) p WHERE mssql.schema_name(nspname)::text COLLATE mssql.ci = p[cardinality(p)] AND nspname NOT LIKE 'pg\_%')
    WHEN upper(permission) = 'CREATE TABLE' THEN
      (SELECT bool_or(has_schema_privilege(oid, 'CREATE')) FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%')
    WHEN upper(permission) IN ('CONNECT') THEN true
    ELSE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) END)::int $$;

-- LEN counts no spaces at the end; DATALENGTH of Unicode text counts its UTF-16 bytes.
CREATE FUNCTION mssql.len(x text) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT length(rtrim(x, ' ')) $$;
CREATE FUNCTION mssql.bytes_of_text(x text) RETURNS int IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE WHEN octet_length(x) = length(x) THEN 2 * length(x)
    ELSE 2 * (length(x) + length(regexp_replace(x COLLATE "C", '[\u0001-\uFFFF]', '', 'g'))) END $$;

CREATE FUNCTION mssql.utf16(x text) RETURNS bytea IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE made text := ''; letter text; code int;
BEGIN
  IF octet_length(x) = length(x) THEN
    RETURN decode(regexp_replace(encode(convert_to(x, 'UTF8'), 'hex') COLLATE "C", '(..)', '\100', 'g'), 'hex');
  END IF;
  FOREACH letter IN ARRAY string_to_array(x COLLATE "C", NULL) LOOP
    code := ascii(letter);
    IF code > 65535 THEN
      made := made || lpad(to_hex((code - 65536) >> 10 & 255), 2, '0') || to_hex(216 + ((code - 65536) >> 18));
      code := 56320 + ((code - 65536) & 1023);
    END IF;
    made := made || lpad(to_hex(code & 255), 2, '0') || lpad(to_hex(code >> 8), 2, '0');
  END LOOP;
  RETURN decode(made, 'hex');
END $$;

CREATE FUNCTION mssql.replace(x text, found text, put text, exact boolean) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE WHEN exact OR found = '' THEN replace(x COLLATE "C", found COLLATE "C", put COLLATE "C")
    ELSE regexp_replace(x COLLATE "C", regexp_replace(found COLLATE "C", '([^[:alnum:][:space:]])', '\\\1', 'g'), replace(put, '\', '\\'), 'gi') END $$;

CREATE FUNCTION mssql.charindex(found text, x text, start int, exact boolean) RETURNS int IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE WHEN p = 0 THEN 0 ELSE p + greatest(start, 1) - 1 END FROM (SELECT CASE WHEN found = '' THEN 0
    WHEN exact THEN strpos(substr(x, greatest(start, 1)) COLLATE "C", found COLLATE "C")
    ELSE strpos(lower(substr(x, greatest(start, 1)) COLLATE "C"), lower(found COLLATE "C")) END AS p) f $$;

-- A pattern of LIKE as a regular expression.
CREATE FUNCTION mssql.pattern(pattern text) RETURNS text IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE made text := ''; letter text; at int := 1; close int;
BEGIN
  pattern := pattern COLLATE "C";
  WHILE at <= length(pattern) LOOP
    letter := substr(pattern, at, 1);
    close := strpos(substr(pattern, at + 2) COLLATE "C", ']');
    IF letter = '%' THEN made := made || '.*';
    ELSIF letter = '_' THEN made := made || '.';
    ELSIF letter = '[' AND close > 0 THEN
      made := made || '[' || replace(replace(substr(pattern, at + 1, close) COLLATE "C", '\', '\\'), '[', '\[') || ']';
      at := at + close + 1;
    ELSE made := made || regexp_replace(letter COLLATE "C", '([^[:alnum:][:space:]])', '\\\1');
    END IF;
    at := at + 1;
  END LOOP;
  RETURN made;
END $$;
CREATE FUNCTION mssql.matches(x text, pattern text, exact boolean) RETURNS boolean IMMUTABLE LANGUAGE sql AS
  $$ SELECT x COLLATE "C" ~ ((CASE WHEN exact THEN '' ELSE '(?i)' END || '^(?:' || mssql.pattern(pattern) || ')$') COLLATE "C") $$;
CREATE FUNCTION mssql.patindex(pattern text, x text, exact boolean) RETURNS int IMMUTABLE LANGUAGE sql AS $$
  SELECT regexp_instr(x COLLATE "C", (CASE WHEN pattern COLLATE "C" LIKE '\%%' THEN '' ELSE '^' END
    || mssql.pattern(regexp_replace(pattern COLLATE "C", '^%|%$', '', 'g'))
    || CASE WHEN pattern COLLATE "C" LIKE '%\%' THEN '' ELSE ' *$' END) COLLATE "C", 1, 1, 0, CASE WHEN exact THEN 'c' ELSE 'i' END) $$;

-- A DATETIME takes no more than three digits behind the second.
CREATE FUNCTION mssql.to_datetime(x text) RETURNS timestamp(3) IMMUTABLE STRICT LANGUAGE plpgsql AS $$
BEGIN
  IF x COLLATE "C" ~ '\.\d{4,}' THEN
    RAISE EXCEPTION 'a DATETIME has three digits' USING ERRCODE = '22007';
  END IF;
  RETURN x::timestamp(3);
END $$;

CREATE VIEW sys.schemas AS SELECT mssql.schema_name(n.nspname)::varchar(128) COLLATE mssql.ci AS name, n.oid::int AS schema_id
  FROM pg_namespace n WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'mssql');
CREATE VIEW sys.objects AS SELECT c.relname::varchar(128) COLLATE mssql.ci AS name, c.oid::int AS object_id, c.relnamespace::int AS schema_id,
  CASE WHEN c.relkind IN ('r', 'p') THEN 'U ' ELSE 'V ' END::varchar(2) COLLATE mssql.ci AS type,
  CASE WHEN c.relkind IN ('r', 'p') THEN 'USER_TABLE' ELSE 'VIEW' END::varchar(60) COLLATE mssql.ci AS type_desc
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm')
  AND (n.nspname NOT LIKE 'pg\_%' OR n.oid = pg_my_temp_schema()) AND n.nspname NOT IN ('information_schema', 'mssql', 'sys') AND mssql.may_see(c.oid);
CREATE VIEW sys.tables AS SELECT * FROM sys.objects WHERE type = 'U ';
CREATE VIEW sys.views AS SELECT * FROM sys.objects WHERE type = 'V ';

CREATE TABLE sys.types (name varchar(128) COLLATE mssql.ci, system_type_id smallint, user_type_id int, max_length smallint);
INSERT INTO sys.types VALUES ('uniqueidentifier', 36, 36, 16), ('date', 40, 40, 3), ('time', 41, 41, 5), ('datetime2', 42, 42, 8),
  ('datetimeoffset', 43, 43, 10), ('tinyint', 48, 48, 1), ('smallint', 52, 52, 2), ('int', 56, 56, 4), ('smalldatetime', 58, 58, 4),
  ('real', 59, 59, 4), ('datetime', 61, 61, 8), ('float', 62, 62, 8), ('bit', 104, 104, 1), ('decimal', 106, 106, 17),
  ('numeric', 108, 108, 17), ('bigint', 127, 127, 8), ('varbinary', 165, 165, 8000), ('varchar', 167, 167, 8000),
  ('binary', 173, 173, 8000), ('char', 175, 175, 8000), ('timestamp', 189, 189, 8), ('nvarchar', 231, 231, 8000), ('sysname', 231, 256, 256),
  ('nchar', 239, 239, 8000);
COMMENT ON COLUMN sys.types.system_type_id IS 'mssql:tinyint';

CREATE VIEW sys.all_columns AS SELECT a.attrelid::int AS object_id, a.attname::varchar(128) COLLATE mssql.ci AS name, a.attnum::int AS column_id,
  t.system_type_id, t.user_type_id, mssql.length_of(d.declared)::smallint AS max_length,
  CASE t.name WHEN 'decimal' THEN substring(d.declared FROM '\((\d+)')::smallint WHEN 'bigint' THEN 19 WHEN 'int' THEN 10
    WHEN 'smallint' THEN 5 WHEN 'tinyint' THEN 3 WHEN 'float' THEN 53 WHEN 'datetime' THEN 23
    WHEN 'datetime2' THEN 19 + CASE WHEN d.declared LIKE '%(0)' THEN 0 ELSE 1 + substring(d.declared FROM '\((\d+)')::smallint END
    ELSE 0 END::smallint AS precision,
  CASE t.name WHEN 'decimal' THEN substring(d.declared FROM ',(\d+)')::smallint WHEN 'datetime' THEN 3
    WHEN 'datetime2' THEN substring(d.declared FROM '\((\d+)')::smallint ELSE 0 END::smallint AS scale,
  CASE WHEN t.name IN ('char', 'varchar', 'nchar', 'nvarchar') THEN
    CASE l.collname WHEN 'C' THEN 'Latin1_General_BIN2' ELSE 'Latin1_General_CI_AS' END END::varchar(128) COLLATE mssql.ci AS collation_name,
  (NOT a.attnotnull)::int::smallint AS is_nullable, (a.attidentity <> '')::int::smallint AS is_identity, (a.attgenerated <> '')::int::smallint AS is_computed
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation l ON l.oid = a.attcollation
  CROSS JOIN LATERAL (SELECT mssql.declared(a.attrelid, a.attnum) AS declared) d
  LEFT JOIN sys.types t ON t.name = split_part(d.declared, '(', 1) AND t.user_type_id <> 256
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm') AND mssql.may_see(c.oid);
COMMENT ON COLUMN sys.all_columns.system_type_id IS 'mssql:tinyint';
COMMENT ON COLUMN sys.all_columns.precision IS 'mssql:tinyint';
COMMENT ON COLUMN sys.all_columns.scale IS 'mssql:tinyint';
COMMENT ON COLUMN sys.all_columns.is_nullable IS 'mssql:bit';
COMMENT ON COLUMN sys.all_columns.is_identity IS 'mssql:bit';
COMMENT ON COLUMN sys.all_columns.is_computed IS 'mssql:bit';
CREATE VIEW sys.columns AS SELECT c.* FROM sys.all_columns c JOIN sys.objects o ON o.object_id = c.object_id;
COMMENT ON COLUMN sys.columns.system_type_id IS 'mssql:tinyint';
COMMENT ON COLUMN sys.columns.precision IS 'mssql:tinyint';
COMMENT ON COLUMN sys.columns.scale IS 'mssql:tinyint';
COMMENT ON COLUMN sys.columns.is_nullable IS 'mssql:bit';
COMMENT ON COLUMN sys.columns.is_identity IS 'mssql:bit';
COMMENT ON COLUMN sys.columns.is_computed IS 'mssql:bit';

CREATE VIEW sys.databases AS SELECT d.datname::varchar(128) COLLATE mssql.ci AS name, d.oid::int AS database_id,
  (SELECT value::smallint FROM mssql.settings WHERE settings.name = 'snapshot_isolation_state') AS snapshot_isolation_state,
  (SELECT CASE value WHEN '1' THEN 'ON' ELSE 'OFF' END::varchar(60) FROM mssql.settings WHERE settings.name = 'snapshot_isolation_state')
    AS snapshot_isolation_state_desc,
  (SELECT value::smallint FROM mssql.settings WHERE settings.name = 'is_read_committed_snapshot_on') AS is_read_committed_snapshot_on,
  0::smallint AS is_read_only, 0::smallint AS state, 'ONLINE'::varchar(60) COLLATE mssql.ci AS state_desc, 150::smallint AS compatibility_level,
  'Latin1_General_CI_AS'::varchar(128) COLLATE mssql.ci AS collation_name FROM pg_database d;
COMMENT ON COLUMN sys.databases.snapshot_isolation_state IS 'mssql:tinyint';
COMMENT ON COLUMN sys.databases.is_read_committed_snapshot_on IS 'mssql:bit';
COMMENT ON COLUMN sys.databases.is_read_only IS 'mssql:bit';
COMMENT ON COLUMN sys.databases.state IS 'mssql:tinyint';
COMMENT ON COLUMN sys.databases.compatibility_level IS 'mssql:tinyint';

CREATE VIEW mssql."INFORMATION_SCHEMA.COLUMNS" AS SELECT current_database()::varchar(128) COLLATE mssql.ci AS "TABLE_CATALOG",
  s.name AS "TABLE_SCHEMA", o.name AS "TABLE_NAME", c.name AS "COLUMN_NAME", c.column_id AS "ORDINAL_POSITION",
  CASE c.is_nullable WHEN 1 THEN 'YES' ELSE 'NO' END::varchar(3) AS "IS_NULLABLE", t.name AS "DATA_TYPE",
  CASE WHEN t.name IN ('nvarchar', 'nchar') AND c.max_length > 0 THEN c.max_length / 2 WHEN t.name COLLATE "C" ~ 'char|binary' THEN c.max_length END::int
    AS "CHARACTER_MAXIMUM_LENGTH", c.collation_name AS "COLLATION_NAME"
  FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
  JOIN sys.types t ON t.user_type_id = c.user_type_id;
CREATE VIEW mssql."INFORMATION_SCHEMA.TABLES" AS SELECT current_database()::varchar(128) COLLATE mssql.ci AS "TABLE_CATALOG",
  s.name AS "TABLE_SCHEMA", o.name AS "TABLE_NAME", CASE o.type WHEN 'U ' THEN 'BASE TABLE' ELSE 'VIEW' END::varchar(10) AS "TABLE_TYPE"
  FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id;

GRANT USAGE ON SCHEMA mssql, sys TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA mssql, sys TO PUBLIC;

-- Every statement of the adapter, one to a line. Written by statements/mod.rs.
-- The space in UNISTR('\0020') stands for every character of Unicode's White_Space.
-- The linter reads them as sqlfluff.sed leaves them: what that puts in other words its grammar does not have.

ALTER SESSION SET NLS_LANGUAGE = 'AMERICAN' NLS_TERRITORY = 'AMERICA' NLS_CALENDAR = 'GREGORIAN' NLS_SORT = 'BINARY' NLS_COMP = 'BINARY' NLS_NUMERIC_CHARACTERS = '.,' NLS_LENGTH_SEMANTICS = 'CHAR' NLS_DATE_FORMAT = 'YYYY-MM-DD HH24:MI:SS' NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF9' NLS_TIMESTAMP_TZ_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM' TIME_ZONE = '+00:00';

ALTER SESSION SET CURSOR_SHARING = EXACT COMMIT_WAIT = WAIT DDL_LOCK_TIMEOUT = 30;

SELECT * FROM "SSD_PERSON" WHERE 1 = 0;

CREATE TABLE "SSD_PERSON" ("PERS_PERSON_ID" VARCHAR2(200 CHAR), "PERS_FORENAME" VARCHAR2(1000 CHAR), "PERS_DOB" DATE, "PERS_NUMBER" NUMBER(10), "PERS_JSON" CLOB);

CREATE INDEX "IX_SSD_PERSON_0" ON "SSD_PERSON" (LTRIM(RTRIM(TO_NCHAR("PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')));

SELECT * FROM "SSD_CIN_EPISODES" WHERE 1 = 0;

CREATE TABLE "SSD_CIN_EPISODES" ("CINE_REFERRAL_ID" VARCHAR2(200 CHAR), "CINE_PERSON_ID" VARCHAR2(200 CHAR));

CREATE INDEX "IX_SSD_CIN_EPISODES_0" ON "SSD_CIN_EPISODES" (LTRIM(RTRIM(TO_NCHAR("CINE_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')));

SELECT * FROM "SSD_CIN_PLANS" WHERE 1 = 0;

CREATE TABLE "SSD_CIN_PLANS" ("CINP_CIN_PLAN_ID" VARCHAR2(200 CHAR), "CINP_REFERRAL_ID" VARCHAR2(200 CHAR));

CREATE INDEX "IX_SSD_CIN_PLANS_0" ON "SSD_CIN_PLANS" (LTRIM(RTRIM(TO_NCHAR("CINP_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')));

SELECT * FROM "SSD_CIN_VISITS" WHERE 1 = 0;

CREATE TABLE "SSD_CIN_VISITS" ("CINV_CIN_VISIT_ID" VARCHAR2(200 CHAR), "CINV_CIN_PLAN_ID" VARCHAR2(200 CHAR));

CREATE INDEX "IX_SSD_CIN_VISITS_0" ON "SSD_CIN_VISITS" (LTRIM(RTRIM(TO_NCHAR("CINV_CIN_VISIT_ID"), UNISTR('\0020')), UNISTR('\0020')));

INSERT INTO "SSD_PERSON" ("PERS_PERSON_ID", "PERS_DOB", "PERS_NUMBER", "PERS_JSON") VALUES (:1, :2, :3, :4);

UPDATE "SSD_PERSON" SET "PERS_FORENAME" = :1 WHERE LTRIM(RTRIM(TO_NCHAR("PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) = :2;

UPDATE "SSD_PERSON" SET "PERS_NUMBER" = :1 WHERE LTRIM(RTRIM(TO_NCHAR("PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) = :2;

UPDATE "SSD_PERSON" SET "PERS_DOB" = (DATE '1970-01-01' + :1) WHERE LTRIM(RTRIM(TO_NCHAR("PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) = :2;

DELETE FROM "SSD_CIN_VISITS" WHERE LTRIM(RTRIM(TO_NCHAR("CINV_CIN_VISIT_ID"), UNISTR('\0020')), UNISTR('\0020')) = :1;

SET TRANSACTION READ ONLY;

SELECT COUNT(*) FROM "SSD_PERSON";

SELECT COUNT(*) FROM "SSD_CIN_EPISODES";

SELECT COUNT(*) FROM "SSD_CIN_PLANS";

SELECT COUNT(*) FROM "SSD_CIN_VISITS";

SELECT t."PERS_PERSON_ID", t."PERS_DOB" FROM "SSD_PERSON" t;

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x) SELECT c.nr AS child, t."PERS_PERSON_ID", t."PERS_DOB" FROM "SSD_PERSON" t JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(t."PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL;

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x) SELECT c.nr AS child, t."PERS_PERSON_ID", t."PERS_DOB" FROM "SSD_PERSON" t JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(t."PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL AND c.id NOT IN ('-1', 'SSD_PH');

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x) SELECT c.nr AS child, t."CINE_REFERRAL_ID", t."CINE_PERSON_ID" FROM "SSD_CIN_EPISODES" t JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(t."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL;

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x) SELECT c.nr AS child, t."CINE_REFERRAL_ID", t."CINE_PERSON_ID" FROM "SSD_CIN_EPISODES" t JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(t."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL AND c.id NOT IN ('-1', 'SSD_PH');

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x), s1 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINE_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_EPISODES" e JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(e."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL) SELECT c.nr AS child, t."CINP_CIN_PLAN_ID", t."CINP_REFERRAL_ID" FROM "SSD_CIN_PLANS" t JOIN s1 c ON c.k = LTRIM(RTRIM(TO_NCHAR(t."CINP_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL;

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x), s1 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINE_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_EPISODES" e JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(e."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL AND c.id NOT IN ('-1', 'SSD_PH')) SELECT c.nr AS child, t."CINP_CIN_PLAN_ID", t."CINP_REFERRAL_ID" FROM "SSD_CIN_PLANS" t JOIN s1 c ON c.k = LTRIM(RTRIM(TO_NCHAR(t."CINP_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL AND c.k NOT IN ('-1', 'SSD_PH');

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x), s1 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINE_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_EPISODES" e JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(e."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL), s2 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINP_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_PLANS" e JOIN s1 c ON c.k = LTRIM(RTRIM(TO_NCHAR(e."CINP_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL) SELECT c.nr AS child, t."CINV_CIN_VISIT_ID", t."CINV_CIN_PLAN_ID" FROM "SSD_CIN_VISITS" t JOIN s2 c ON c.k = LTRIM(RTRIM(TO_NCHAR(t."CINV_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL;

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x), s1 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINE_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_EPISODES" e JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(e."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL AND c.id NOT IN ('-1', 'SSD_PH')), s2 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINP_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_PLANS" e JOIN s1 c ON c.k = LTRIM(RTRIM(TO_NCHAR(e."CINP_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL AND c.k NOT IN ('-1', 'SSD_PH')) SELECT c.nr AS child, t."CINV_CIN_VISIT_ID", t."CINV_CIN_PLAN_ID" FROM "SSD_CIN_VISITS" t JOIN s2 c ON c.k = LTRIM(RTRIM(TO_NCHAR(t."CINV_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL AND c.k NOT IN ('-1', 'SSD_PH');

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x), s1 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_PERSON" e JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(e."PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL), s2 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINE_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_EPISODES" e JOIN s1 c ON c.k = LTRIM(RTRIM(TO_NCHAR(e."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL), s3 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINP_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_PLANS" e JOIN s2 c ON c.k = LTRIM(RTRIM(TO_NCHAR(e."CINP_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL) SELECT c.nr AS child, t."CINV_CIN_VISIT_ID", t."CINV_CIN_PLAN_ID" FROM "SSD_CIN_VISITS" t JOIN s3 c ON c.k = LTRIM(RTRIM(TO_NCHAR(t."CINV_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL;

WITH s0 AS (SELECT UNISTR(x.id) AS id, x.nr - 1 AS nr FROM XMLTABLE('/s/c' PASSING XMLTYPE(:1) COLUMNS nr FOR ORDINALITY, id VARCHAR2(4000) PATH '.') x), s1 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_PERSON" e JOIN s0 c ON c.id = LTRIM(RTRIM(TO_NCHAR(e."PERS_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.id IS NOT NULL AND c.id NOT IN ('-1', 'SSD_PH')), s2 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINE_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_EPISODES" e JOIN s1 c ON c.k = LTRIM(RTRIM(TO_NCHAR(e."CINE_PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL AND c.k NOT IN ('-1', 'SSD_PH')), s3 AS (SELECT DISTINCT c.nr, LTRIM(RTRIM(TO_NCHAR(e."CINP_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AS k FROM "SSD_CIN_PLANS" e JOIN s2 c ON c.k = LTRIM(RTRIM(TO_NCHAR(e."CINP_REFERRAL_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL AND c.k NOT IN ('-1', 'SSD_PH')) SELECT c.nr AS child, t."CINV_CIN_VISIT_ID", t."CINV_CIN_PLAN_ID" FROM "SSD_CIN_VISITS" t JOIN s3 c ON c.k = LTRIM(RTRIM(TO_NCHAR(t."CINV_CIN_PLAN_ID"), UNISTR('\0020')), UNISTR('\0020')) AND c.k IS NOT NULL AND c.k NOT IN ('-1', 'SSD_PH');

SELECT * FROM "SSD_API_DATA_STAGING" WHERE 1 = 0;

SELECT * FROM "SSD_API_SUBMISSION_LOG" WHERE 1 = 0;

SELECT * FROM "SSD_API_RUN_LOG" WHERE 1 = 0;

SELECT * FROM "CSC_BRIDGE_LOCK" WHERE 1 = 0;

CREATE TABLE "CSC_BRIDGE_LOCK" (name VARCHAR2(128 CHAR) PRIMARY KEY);

SELECT COUNT(*) FROM "CSC_BRIDGE_LOCK" WHERE name = :1;

INSERT INTO "CSC_BRIDGE_LOCK" (name) VALUES (:1);

SELECT l.name FROM "CSC_BRIDGE_LOCK" l WHERE l.name = :1 FOR UPDATE NOWAIT;

CREATE TABLE "SSD_API_DATA_STAGING" (id NUMBER(19) GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, person_id VARCHAR2(48 CHAR) NOT NULL UNIQUE, legacy_id VARCHAR2(48 CHAR), previous_json_payload CLOB, json_payload CLOB NOT NULL, partial_json_payload CLOB, current_hash RAW(32), previous_hash RAW(32), submission_status VARCHAR2(50 CHAR) DEFAULT 'pending', submission_timestamp TIMESTAMP(6), api_response CLOB, row_state VARCHAR2(10 CHAR) DEFAULT 'new', last_updated TIMESTAMP(6) DEFAULT SYS_EXTRACT_UTC(SYSTIMESTAMP));

CREATE INDEX "IX_SSD_API_DATA_STAGING_PERSON" ON "SSD_API_DATA_STAGING" (LTRIM(RTRIM(TO_NCHAR("PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')), "CURRENT_HASH", "PREVIOUS_HASH", "SUBMISSION_STATUS", "ROW_STATE", "LAST_UPDATED");

SELECT * FROM "SSD_API_DATA_STAGING_ANON" WHERE 1 = 0;

CREATE TABLE "SSD_API_DATA_STAGING_ANON" (id NUMBER(19) GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, person_id VARCHAR2(48 CHAR) NOT NULL UNIQUE, legacy_id VARCHAR2(48 CHAR), previous_json_payload CLOB, json_payload CLOB NOT NULL, partial_json_payload CLOB, current_hash RAW(32), previous_hash RAW(32), submission_status VARCHAR2(50 CHAR) DEFAULT 'pending', submission_timestamp TIMESTAMP(6), api_response CLOB, row_state VARCHAR2(10 CHAR) DEFAULT 'new', last_updated TIMESTAMP(6) DEFAULT SYS_EXTRACT_UTC(SYSTIMESTAMP));

CREATE INDEX "IX_SSD_API_DATA_STAGI_F8E02FCC" ON "SSD_API_DATA_STAGING_ANON" (LTRIM(RTRIM(TO_NCHAR("PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')), "CURRENT_HASH", "PREVIOUS_HASH", "SUBMISSION_STATUS", "ROW_STATE", "LAST_UPDATED");

UPDATE "SSD_API_DATA_STAGING" SET previous_json_payload = previous_json_payload, json_payload = json_payload, partial_json_payload = partial_json_payload, current_hash = current_hash, previous_hash = previous_hash, submission_status = submission_status, submission_timestamp = submission_timestamp, api_response = api_response, row_state = row_state, last_updated = last_updated WHERE 1 = 0;

CREATE TABLE "SSD_API_SUBMISSION_LOG" (id NUMBER(19) GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, attempt_id VARCHAR2(48 CHAR) NOT NULL, run_id VARCHAR2(48 CHAR) NOT NULL, attempt NUMBER(19) NOT NULL, person_id VARCHAR2(48 CHAR) NOT NULL, kind VARCHAR2(10 CHAR) NOT NULL, hash_sent RAW(32) NOT NULL, hash_base RAW(32), opened_at TIMESTAMP(6) DEFAULT SYS_EXTRACT_UTC(SYSTIMESTAMP), closed_at TIMESTAMP(6), outcome VARCHAR2(20 CHAR), response_id VARCHAR2(200 CHAR), mentioned CLOB);

CREATE INDEX "IX_SSD_API_SUBMISSION_5C00FFE2" ON "SSD_API_SUBMISSION_LOG" (LTRIM(RTRIM(TO_NCHAR("PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')), "ID", "OUTCOME", "HASH_SENT");

CREATE INDEX "IX_SSD_API_SUBMISSION_LOG_OPEN" ON "SSD_API_SUBMISSION_LOG" ("OUTCOME", LTRIM(RTRIM(TO_NCHAR("PERSON_ID"), UNISTR('\0020')), UNISTR('\0020')));

CREATE INDEX "IX_SSD_API_SUBMISSION_273C61AC" ON "SSD_API_SUBMISSION_LOG" ("ATTEMPT_ID");

CREATE TABLE "SSD_API_RUN_LOG" (id NUMBER(19) GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, run_id VARCHAR2(48 CHAR) NOT NULL, command VARCHAR2(20 CHAR) NOT NULL, run_date VARCHAR2(10 CHAR) NOT NULL, ended_at TIMESTAMP(6) DEFAULT SYS_EXTRACT_UTC(SYSTIMESTAMP), exit_code NUMBER(19) NOT NULL, seconds NUMBER(19) NOT NULL, table_rows CLOB, report CLOB);

INSERT INTO "SSD_API_SUBMISSION_LOG" (attempt_id, run_id, attempt, person_id, kind, hash_sent) SELECT attempt_id, run_id, attempt, person_id, kind, hash_sent FROM "SSD_API_SUBMISSION_LOG" WHERE 1 = 0;

UPDATE "SSD_API_SUBMISSION_LOG" SET outcome = outcome WHERE 1 = 0;

INSERT INTO "SSD_API_RUN_LOG" (run_id, command, run_date, exit_code, seconds) SELECT run_id, command, run_date, exit_code, seconds FROM "SSD_API_RUN_LOG" WHERE 1 = 0;

SELECT l.name FROM "CSC_BRIDGE_LOCK" l;

SELECT * FROM "CSC_BRIDGE_SET" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_set (id NVARCHAR2(200) PRIMARY KEY, nr NUMBER(19)) ON COMMIT PRESERVE ROWS;

SELECT * FROM "CSC_BRIDGE_OUTCOME" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_outcome (id NVARCHAR2(200) PRIMARY KEY, row_id NUMBER(19), result NVARCHAR2(20), hash RAW(2000), claimed_hash RAW(2000), claimed_out NUMBER(19), received_at NVARCHAR2(100), document CLOB, claimed_document CLOB, claimed_outgoing CLOB, response CLOB) ON COMMIT PRESERVE ROWS;

SELECT * FROM "CSC_BRIDGE_INTENT" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_intent (nr NUMBER(19) PRIMARY KEY, person_id NVARCHAR2(200), kind NVARCHAR2(20), hash RAW(2000), base RAW(2000), mentioned CLOB) ON COMMIT PRESERVE ROWS;

SELECT * FROM "CSC_BRIDGE_CLOSING" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_closing (nr NUMBER(19) PRIMARY KEY, attempt_id NVARCHAR2(200), person_id NVARCHAR2(200), outcome NVARCHAR2(20), response_id NVARCHAR2(200)) ON COMMIT PRESERVE ROWS;

SELECT * FROM "CSC_BRIDGE_MAY_HOLD" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_may_hold (nr NUMBER(19) PRIMARY KEY, person NVARCHAR2(200), document CLOB) ON COMMIT PRESERVE ROWS;

SELECT * FROM "CSC_BRIDGE_MARK" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_mark (nr NUMBER(19) PRIMARY KEY, row_id NUMBER(19), pending NUMBER(19), unsure NUMBER(19), held RAW(2000)) ON COMMIT PRESERVE ROWS;

SELECT * FROM "CSC_BRIDGE_CHANGE" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_change (nr NUMBER(19) PRIMARY KEY, id NVARCHAR2(200), fresh NUMBER(19), was_hash RAW(2000), was_status NVARCHAR2(200), was_state NVARCHAR2(200), was_updated NVARCHAR2(100), status NVARCHAR2(200), state NVARCHAR2(200), current_hash RAW(2000), held RAW(2000), touches NUMBER(19), has_document NUMBER(19), legacy_id NVARCHAR2(200), document CLOB, outgoing CLOB) ON COMMIT PRESERVE ROWS;

SELECT * FROM "CSC_BRIDGE_MATCHED" WHERE 1 = 0;

CREATE GLOBAL TEMPORARY TABLE csc_bridge_matched (nr NUMBER(19) PRIMARY KEY, row_id NUMBER(19)) ON COMMIT PRESERVE ROWS;

SELECT * FROM csc_bridge_change WHERE 1 = 0;

INSERT INTO csc_bridge_change ("NR", "ID", "FRESH", "WAS_HASH", "WAS_STATUS", "WAS_STATE", "WAS_UPDATED", "STATUS", "STATE", "TOUCHES", "HAS_DOCUMENT", "LEGACY_ID", "CURRENT_HASH", "HELD", "DOCUMENT", "OUTGOING") VALUES (:1, :2, :3, :4, :5, :6, :7, :8, :9, :10, :11, :12, :13, :14, :15, :16);

DELETE FROM csc_bridge_set;

INSERT INTO csc_bridge_set (id, nr) SELECT c.id, c.nr FROM csc_bridge_change c WHERE c.nr BETWEEN :1 AND :2;

SELECT w.nr, t.id FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) JOIN csc_bridge_change w ON w.nr = c.nr WHERE w.fresh = 0 AND (t.previous_hash = w.was_hash OR (t.previous_hash IS NULL AND w.was_hash IS NULL)) AND (t.submission_status = w.was_status OR (t.submission_status IS NULL AND w.was_status IS NULL)) AND (t.row_state = w.was_state OR (t.row_state IS NULL AND w.was_state IS NULL)) AND (TO_CHAR(t.last_updated, 'YYYY-MM-DD HH24:MI:SS.FF9') = w.was_updated OR (TO_CHAR(t.last_updated, 'YYYY-MM-DD HH24:MI:SS.FF9') IS NULL AND w.was_updated IS NULL)) FOR UPDATE OF t.id SKIP LOCKED;

SELECT w.nr FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) JOIN csc_bridge_change w ON w.nr = c.nr WHERE w.fresh = 1;

DELETE FROM csc_bridge_matched;

SELECT * FROM csc_bridge_matched WHERE 1 = 0;

INSERT INTO csc_bridge_matched ("NR", "ROW_ID") VALUES (:1, :2);

INSERT INTO "SSD_API_DATA_STAGING" (person_id, legacy_id, json_payload, partial_json_payload, current_hash, previous_hash, submission_status, row_state, last_updated) SELECT c.id, c.legacy_id, c.document, c.outgoing, c.current_hash, c.held, c.status, c.state, SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM csc_bridge_matched m JOIN csc_bridge_change c ON c.nr = m.nr WHERE c.fresh = 1;

SELECT * FROM csc_bridge_set WHERE 1 = 0;

INSERT INTO csc_bridge_set ("ID", "NR") VALUES (:1, :2);

SELECT c.id, t.current_hash, t.previous_hash, t.submission_status, t.row_state, TO_CHAR(t.last_updated, 'YYYY-MM-DD HH24:MI:SS.FF9'), CASE WHEN t.partial_json_payload IS NULL THEN 0 ELSE 1 END, FLOOR(EXTRACT(DAY FROM (SYS_EXTRACT_UTC(SYSTIMESTAMP) - t.last_updated)) * 86400 + EXTRACT(HOUR FROM (SYS_EXTRACT_UTC(SYSTIMESTAMP) - t.last_updated)) * 3600 + EXTRACT(MINUTE FROM (SYS_EXTRACT_UTC(SYSTIMESTAMP) - t.last_updated)) * 60 + EXTRACT(SECOND FROM (SYS_EXTRACT_UTC(SYSTIMESTAMP) - t.last_updated))) FROM csc_bridge_set c JOIN "SSD_API_DATA_STAGING" t ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020'));

SELECT DISTINCT c.id FROM csc_bridge_set c JOIN "SSD_API_SUBMISSION_LOG" l ON LTRIM(RTRIM(TO_NCHAR(l.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id WHERE l.outcome IS NULL;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, w.status AS v0, w.state AS v1, CASE WHEN w.has_document = 1 THEN w.document ELSE t.json_payload END AS v2, CASE WHEN w.has_document = 1 THEN TO_CHAR(w.legacy_id) ELSE t.legacy_id END AS v3, w.current_hash AS v4, w.held AS v5, w.outgoing AS v6, CASE WHEN w.touches = 1 THEN SYS_EXTRACT_UTC(SYSTIMESTAMP) ELSE t.last_updated END AS v7 FROM csc_bridge_matched m JOIN csc_bridge_set c ON c.nr = m.nr JOIN csc_bridge_change w ON w.nr = c.nr CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = m.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id AND w.fresh = 0) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET submission_status = n.v0, row_state = n.v1, json_payload = n.v2, legacy_id = n.v3, current_hash = n.v4, previous_hash = n.v5, partial_json_payload = n.v6, last_updated = n.v7;

SELECT s.id FROM csc_bridge_set s LEFT JOIN csc_bridge_matched m ON m.nr = s.nr WHERE m.nr IS NULL;

SELECT LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) FROM "SSD_API_DATA_STAGING" t WHERE t.person_id IS NOT NULL;

SELECT c.id, t.json_payload, t.previous_json_payload, t.partial_json_payload FROM csc_bridge_set c JOIN "SSD_API_DATA_STAGING" t ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020'));

SELECT a.child, h.hash_sent FROM (SELECT c.id AS child, MAX(CASE WHEN l.outcome = 'accepted' THEN l.id ELSE 0 END) AS accepted, MAX(CASE WHEN l.outcome = 'accepted' THEN 0 ELSE l.id END) AS doubt FROM csc_bridge_set c JOIN "SSD_API_SUBMISSION_LOG" l ON LTRIM(RTRIM(TO_NCHAR(l.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id WHERE l.outcome IN ('accepted', 'purged', 'unknown') GROUP BY c.id) a JOIN "SSD_API_SUBMISSION_LOG" h ON h.id = a.accepted WHERE a.accepted > a.doubt;

SELECT t.person_id, t.submission_status FROM "SSD_API_DATA_STAGING" t WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 ORDER BY t.last_updated, t.id;

SELECT SUM(r.n - 1) FROM (SELECT COUNT(*) AS n FROM "SSD_API_DATA_STAGING" t WHERE t.person_id IS NOT NULL GROUP BY LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) HAVING COUNT(*) > 1) r;

SELECT DISTINCT LTRIM(RTRIM(TO_NCHAR(l.person_id), UNISTR('\0020')), UNISTR('\0020')) FROM "SSD_API_SUBMISSION_LOG" l WHERE l.outcome IS NULL;

SELECT COUNT(*) FROM (SELECT CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND NOT (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left')) AND COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') = 'pending' THEN 1 ELSE 0 END AS asks, ROW_NUMBER() OVER (PARTITION BY LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) ORDER BY CASE WHEN t.last_updated IS NULL THEN 1 ELSE 0 END, t.last_updated DESC, t.id DESC) AS place FROM "SSD_API_DATA_STAGING" t WHERE t.person_id IS NOT NULL) r WHERE r.asks = 1 AND r.place > 1;

SELECT c.nr, t.id, t.person_id, t.json_payload, t.current_hash, t.previous_hash, t.partial_json_payload, t.row_state, t.previous_json_payload FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 FOR UPDATE OF t.id SKIP LOCKED;

DELETE FROM csc_bridge_intent;

SELECT * FROM csc_bridge_intent WHERE 1 = 0;

INSERT INTO csc_bridge_intent ("NR", "PERSON_ID", "KIND", "HASH", "BASE", "MENTIONED") VALUES (:1, :2, :3, :4, :5, :6);

INSERT INTO "SSD_API_SUBMISSION_LOG" (attempt_id, run_id, attempt, person_id, kind, hash_sent, hash_base, mentioned, opened_at) SELECT :1, :2, :3, i.person_id, i.kind, i.hash, i.base, i.mentioned, SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM csc_bridge_intent i;

SELECT c.nr, t.id, t.current_hash, CASE WHEN t.current_hash IS NULL THEN t.json_payload END, t.partial_json_payload, t.row_state FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2;

DELETE FROM csc_bridge_outcome;

SELECT * FROM csc_bridge_outcome WHERE 1 = 0;

INSERT INTO csc_bridge_outcome ("ID", "ROW_ID", "RESULT", "HASH", "CLAIMED_HASH", "CLAIMED_OUT", "RECEIVED_AT", "DOCUMENT", "CLAIMED_DOCUMENT", "CLAIMED_OUTGOING", "RESPONSE") VALUES (:1, :2, :3, :4, :5, :6, :7, :8, :9, :10, :11);

DELETE FROM csc_bridge_closing;

SELECT * FROM csc_bridge_closing WHERE 1 = 0;

INSERT INTO csc_bridge_closing ("NR", "ATTEMPT_ID", "PERSON_ID", "OUTCOME", "RESPONSE_ID") VALUES (:1, :2, :3, :4, :5);

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, o.document AS v0, o.hash AS v1, CASE WHEN (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) THEN 'sent' WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.submission_status ELSE 'pending' END AS v2, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.row_state WHEN (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) THEN 'unchanged' ELSE 'updated' END AS v3, o.response AS v4, COALESCE(TO_TIMESTAMP(o.received_at, 'YYYY-MM-DD HH24:MI:SS.FF'), SYS_EXTRACT_UTC(SYSTIMESTAMP)) AS v5, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.last_updated ELSE SYS_EXTRACT_UTC(SYSTIMESTAMP) END AS v7 FROM csc_bridge_outcome o CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = o.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.id AND o.result IN ('accepted')) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET previous_json_payload = n.v0, previous_hash = n.v1, submission_status = n.v2, row_state = n.v3, api_response = n.v4, submission_timestamp = n.v5, partial_json_payload = NULL, last_updated = n.v7;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN 'sent' ELSE 'pending' END AS v2, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.row_state ELSE 'new' END AS v3, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN o.document ELSE t.json_payload END AS v4, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN NULL ELSE t.current_hash END AS v5, o.response AS v6, COALESCE(TO_TIMESTAMP(o.received_at, 'YYYY-MM-DD HH24:MI:SS.FF'), SYS_EXTRACT_UTC(SYSTIMESTAMP)) AS v7, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.last_updated ELSE SYS_EXTRACT_UTC(SYSTIMESTAMP) END AS v9 FROM csc_bridge_outcome o CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = o.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.id AND o.result IN ('purged')) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET previous_json_payload = NULL, previous_hash = NULL, submission_status = n.v2, row_state = n.v3, json_payload = n.v4, current_hash = n.v5, api_response = n.v6, submission_timestamp = n.v7, partial_json_payload = NULL, last_updated = n.v9;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, CASE WHEN (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) AND o.claimed_out = CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN 1 ELSE 0 END THEN 'error' ELSE t.submission_status END AS v0, CASE WHEN o.result = 'unusable' AND (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) THEN NULL ELSE t.current_hash END AS v1, o.response AS v2, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.last_updated ELSE SYS_EXTRACT_UTC(SYSTIMESTAMP) END AS v3 FROM csc_bridge_outcome o CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = o.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.id AND o.result IN ('refused', 'unusable')) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET submission_status = n.v0, current_hash = n.v1, api_response = n.v2, last_updated = n.v3;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, 'withdrawn' AS v0 FROM csc_bridge_outcome o CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = o.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.id AND o.result IN ('withdrawn') AND COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') AND COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL))) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET submission_status = n.v0, partial_json_payload = NULL;

MERGE INTO "SSD_API_SUBMISSION_LOG" t USING (SELECT t.ROWID AS rid, o.outcome AS v0, SYS_EXTRACT_UTC(SYSTIMESTAMP) AS v1, o.response_id AS v2 FROM csc_bridge_closing o CROSS JOIN "SSD_API_SUBMISSION_LOG" t WHERE t.attempt_id = TO_CHAR(o.attempt_id) AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.person_id AND t.outcome IS NULL) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET outcome = n.v0, closed_at = n.v1, response_id = n.v2;

SELECT c.nr, t.id, t.submission_status, t.row_state, t.previous_hash, t.current_hash, CASE WHEN t.partial_json_payload IS NULL THEN 0 ELSE 1 END, CASE WHEN LENGTH(t.json_payload) >= 2 THEN 1 ELSE 0 END FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020'));

SELECT c.nr, t.id, t.submission_status, t.row_state, t.previous_hash, t.current_hash, CASE WHEN t.partial_json_payload IS NULL THEN 0 ELSE 1 END, CASE WHEN LENGTH(t.json_payload) >= 2 THEN 1 ELSE 0 END FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) FOR UPDATE OF t.id SKIP LOCKED;

DELETE FROM csc_bridge_mark;

SELECT * FROM csc_bridge_mark WHERE 1 = 0;

INSERT INTO csc_bridge_mark ("NR", "ROW_ID", "PENDING", "UNSURE", "HELD") VALUES (:1, :2, :3, :4, :5);

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, CASE WHEN m.pending = 1 THEN 'pending' ELSE t.submission_status END AS v0, CASE WHEN m.unsure = 1 THEN 'updated' ELSE t.row_state END AS v1, CASE WHEN m.unsure = 1 THEN m.held ELSE t.previous_hash END AS v2, SYS_EXTRACT_UTC(SYSTIMESTAMP) AS v4 FROM csc_bridge_mark m JOIN csc_bridge_set c ON c.nr = m.nr CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = m.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET submission_status = n.v0, row_state = n.v1, previous_hash = n.v2, partial_json_payload = NULL, last_updated = n.v4;

SELECT l.attempt_id, LTRIM(RTRIM(TO_NCHAR(l.person_id), UNISTR('\0020')), UNISTR('\0020')), l.mentioned FROM "SSD_API_SUBMISSION_LOG" l WHERE l.outcome IS NULL AND l.opened_at <= (SYS_EXTRACT_UTC(SYSTIMESTAMP) - NUMTODSINTERVAL(0.000, 'SECOND')) ORDER BY l.id;

SELECT c.id, t.id FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020'));

SELECT c.id, t.id FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) FOR UPDATE OF t.id SKIP LOCKED;

SELECT c.id, t.previous_json_payload FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id WHERE t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY d.id ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM csc_bridge_set d JOIN "SSD_API_DATA_STAGING" n ON d.id = LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020'))) r WHERE r.place = 1);

DELETE FROM csc_bridge_may_hold;

SELECT * FROM csc_bridge_may_hold WHERE 1 = 0;

INSERT INTO csc_bridge_may_hold ("NR", "PERSON", "DOCUMENT") VALUES (:1, :2, :3);

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, i.document AS v0 FROM csc_bridge_set c JOIN csc_bridge_may_hold i ON i.person = c.id CROSS JOIN "SSD_API_DATA_STAGING" t WHERE LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id AND t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY d.id ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM csc_bridge_set d JOIN "SSD_API_DATA_STAGING" n ON d.id = LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020'))) r WHERE r.place = 1)) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET previous_json_payload = n.v0;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, :1 AS v0, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN 'withdrawn' ELSE 'pending' END AS v1, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.row_state ELSE 'updated' END AS v2, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.last_updated ELSE SYS_EXTRACT_UTC(SYSTIMESTAMP) END AS v4 FROM csc_bridge_set c CROSS JOIN "SSD_API_DATA_STAGING" t WHERE LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id AND t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY d.id ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM csc_bridge_set d JOIN "SSD_API_DATA_STAGING" n ON d.id = LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020'))) r WHERE r.place = 1)) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET previous_hash = n.v0, submission_status = n.v1, row_state = n.v2, partial_json_payload = NULL, last_updated = n.v4;

INSERT INTO "SSD_API_RUN_LOG" (run_id, command, run_date, exit_code, seconds, table_rows, report, ended_at) VALUES (:1, :2, :3, :4, :5, :6, :7, SYS_EXTRACT_UTC(SYSTIMESTAMP));

SELECT r.command, r.run_date, r.table_rows FROM "SSD_API_RUN_LOG" r WHERE r.id IN (SELECT MAX(x.id) FROM "SSD_API_RUN_LOG" x WHERE x.table_rows IS NOT NULL GROUP BY x.command) ORDER BY r.id DESC;

SELECT r.status, r.state, r.zero, COUNT(*) FROM (SELECT t.submission_status AS status, t.row_state AS state, CASE WHEN t.previous_hash IS NULL THEN 0 WHEN t.previous_hash = :1 THEN 1 ELSE 2 END AS zero FROM "SSD_API_DATA_STAGING" t) r GROUP BY r.status, r.state, r.zero;

SELECT COUNT(*) FROM "SSD_API_SUBMISSION_LOG" WHERE outcome IS NULL;

SELECT TO_CHAR(MIN(t.last_updated), 'YYYY-MM-DD HH24:MI:SS.FF9') FROM "SSD_API_DATA_STAGING" t WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND NOT (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left'));

SELECT t.api_response, 1 FROM "SSD_API_DATA_STAGING" t WHERE COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)) = 'error';

SELECT r.run_id, r.command, TO_CHAR(r.ended_at, 'YYYY-MM-DD HH24:MI:SS.FF9'), r.exit_code FROM "SSD_API_RUN_LOG" r WHERE r.id = (SELECT MAX(x.id) FROM "SSD_API_RUN_LOG" x);

DELETE FROM "SSD_API_SUBMISSION_LOG" WHERE outcome IS NOT NULL AND closed_at <= (SYS_EXTRACT_UTC(SYSTIMESTAMP) - NUMTODSINTERVAL(1.500, 'SECOND')) AND (outcome NOT IN ('accepted', 'purged', 'unknown') OR EXISTS (SELECT 1 FROM "SSD_API_SUBMISSION_LOG" l WHERE LTRIM(RTRIM(TO_NCHAR(l.person_id), UNISTR('\0020')), UNISTR('\0020')) = LTRIM(RTRIM(TO_NCHAR("SSD_API_SUBMISSION_LOG".person_id), UNISTR('\0020')), UNISTR('\0020')) AND l.outcome IN ('accepted', 'purged', 'unknown') AND l.id > "SSD_API_SUBMISSION_LOG".id));

DELETE FROM "SSD_API_RUN_LOG" WHERE ended_at <= (SYS_EXTRACT_UTC(SYSTIMESTAMP) - NUMTODSINTERVAL(1.500, 'SECOND')) AND id NOT IN (SELECT MAX(x.id) FROM "SSD_API_RUN_LOG" x WHERE x.table_rows IS NOT NULL GROUP BY x.command);

ALTER TABLE "SSD_API_SUBMISSION_LOG" ADD mentioned CLOB NULL;

SELECT t.person_id, t.submission_status FROM "SSD_API_DATA_STAGING" t WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') OR t.partial_json_payload IS NOT NULL) ORDER BY t.last_updated, t.id;

SELECT c.nr, t.id, t.person_id, t.json_payload, t.current_hash, t.previous_hash, t.partial_json_payload, t.row_state, t.previous_json_payload FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') OR t.partial_json_payload IS NOT NULL) FOR UPDATE OF t.id SKIP LOCKED;

SELECT c.nr, t.id, t.current_hash, CASE WHEN t.current_hash IS NULL THEN t.json_payload END, t.partial_json_payload, t.row_state FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') OR t.partial_json_payload IS NOT NULL);

SELECT t.person_id, t.submission_status FROM "SSD_API_DATA_STAGING" t WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND NOT (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left')) AND t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020')) ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM "SSD_API_DATA_STAGING" n WHERE n.person_id IS NOT NULL) r WHERE r.place = 1) ORDER BY t.last_updated, t.id;

SELECT c.nr, t.id, t.person_id, t.json_payload, t.current_hash, t.previous_hash, t.partial_json_payload, t.row_state, t.previous_json_payload FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND NOT (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left')) AND t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY d.id ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM csc_bridge_set d JOIN "SSD_API_DATA_STAGING" n ON d.id = LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020'))) r WHERE r.place = 1) FOR UPDATE OF t.id SKIP LOCKED;

SELECT c.nr, t.id, t.current_hash, CASE WHEN t.current_hash IS NULL THEN t.json_payload END, t.partial_json_payload, t.row_state FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.submission_status), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.submission_status)), 'pending') IN ('pending', 'error') AND t.person_id IS NOT NULL AND LENGTH(t.json_payload) >= 2 AND NOT (COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left')) AND t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY d.id ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM csc_bridge_set d JOIN "SSD_API_DATA_STAGING" n ON d.id = LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020'))) r WHERE r.place = 1);

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, o.document AS v0, o.hash AS v1, CASE WHEN (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) THEN 'sent' WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.submission_status ELSE 'pending' END AS v2, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.row_state WHEN (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) THEN 'unchanged' ELSE 'updated' END AS v3, o.response AS v4, COALESCE(TO_TIMESTAMP(o.received_at, 'YYYY-MM-DD HH24:MI:SS.FF'), SYS_EXTRACT_UTC(SYSTIMESTAMP)) AS v5, t.last_updated AS v7 FROM csc_bridge_outcome o CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = o.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.id AND o.result IN ('accepted')) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET previous_json_payload = n.v0, previous_hash = n.v1, submission_status = n.v2, row_state = n.v3, api_response = n.v4, submission_timestamp = n.v5, partial_json_payload = NULL, last_updated = n.v7;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN 'sent' ELSE 'pending' END AS v2, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN t.row_state ELSE 'new' END AS v3, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN o.document ELSE t.json_payload END AS v4, CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN NULL ELSE t.current_hash END AS v5, o.response AS v6, COALESCE(TO_TIMESTAMP(o.received_at, 'YYYY-MM-DD HH24:MI:SS.FF'), SYS_EXTRACT_UTC(SYSTIMESTAMP)) AS v7, t.last_updated AS v9 FROM csc_bridge_outcome o CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = o.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.id AND o.result IN ('purged')) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET previous_json_payload = NULL, previous_hash = NULL, submission_status = n.v2, row_state = n.v3, json_payload = n.v4, current_hash = n.v5, api_response = n.v6, submission_timestamp = n.v7, partial_json_payload = NULL, last_updated = n.v9;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, CASE WHEN (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) AND o.claimed_out = CASE WHEN COALESCE(COALESCE(LOWER(TO_CHAR(LTRIM(RTRIM(TO_NCHAR(t.row_state), UNISTR('\0020')), UNISTR('\0020')))), TO_CHAR(t.row_state)), 'new') IN ('deleted', 'left') THEN 1 ELSE 0 END THEN 'error' ELSE t.submission_status END AS v0, CASE WHEN o.result = 'unusable' AND (t.current_hash = o.hash OR t.current_hash = o.claimed_hash OR (t.current_hash IS NULL AND o.claimed_hash IS NULL AND (DBMS_LOB.COMPARE(t.json_payload, o.claimed_document) = 0 OR (t.json_payload IS NULL AND o.claimed_document IS NULL)))) AND (DBMS_LOB.COMPARE(t.partial_json_payload, o.claimed_outgoing) = 0 OR (t.partial_json_payload IS NULL AND o.claimed_outgoing IS NULL)) THEN NULL ELSE t.current_hash END AS v1, o.response AS v2, t.last_updated AS v3 FROM csc_bridge_outcome o CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = o.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = o.id AND o.result IN ('refused', 'unusable')) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET submission_status = n.v0, current_hash = n.v1, api_response = n.v2, last_updated = n.v3;

SELECT c.nr, t.id, t.submission_status, t.row_state, t.previous_hash, t.current_hash, CASE WHEN t.partial_json_payload IS NULL THEN 0 ELSE 1 END, CASE WHEN LENGTH(t.json_payload) >= 2 THEN 1 ELSE 0 END FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY d.id ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM csc_bridge_set d JOIN "SSD_API_DATA_STAGING" n ON d.id = LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020'))) r WHERE r.place = 1);

SELECT c.nr, t.id, t.submission_status, t.row_state, t.previous_hash, t.current_hash, CASE WHEN t.partial_json_payload IS NULL THEN 0 ELSE 1 END, CASE WHEN LENGTH(t.json_payload) >= 2 THEN 1 ELSE 0 END FROM "SSD_API_DATA_STAGING" t JOIN csc_bridge_set c ON c.id = LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) WHERE t.id IN (SELECT r.id FROM (SELECT n.id AS id, ROW_NUMBER() OVER (PARTITION BY d.id ORDER BY CASE WHEN n.last_updated IS NULL THEN 1 ELSE 0 END, n.last_updated DESC, n.id DESC) AS place FROM csc_bridge_set d JOIN "SSD_API_DATA_STAGING" n ON d.id = LTRIM(RTRIM(TO_NCHAR(n.person_id), UNISTR('\0020')), UNISTR('\0020'))) r WHERE r.place = 1) FOR UPDATE OF t.id SKIP LOCKED;

MERGE INTO "SSD_API_DATA_STAGING" t USING (SELECT t.ROWID AS rid, CASE WHEN m.pending = 1 THEN 'pending' ELSE t.submission_status END AS v0 FROM csc_bridge_mark m JOIN csc_bridge_set c ON c.nr = m.nr CROSS JOIN "SSD_API_DATA_STAGING" t WHERE t.id = m.row_id AND LTRIM(RTRIM(TO_NCHAR(t.person_id), UNISTR('\0020')), UNISTR('\0020')) = c.id) n ON (t.ROWID = n.rid) WHEN MATCHED THEN UPDATE SET submission_status = n.v0;

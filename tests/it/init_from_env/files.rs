//! Three `.env` files, and the configurations they become.

/// Server and database apart, as in the example beside D2I's notebook: quotes for some, a comment behind most.
pub const PARTS: &str = r#"# LA ID
LA_CODE=845  # LA to change / this your LA 3 digit code

# Base URL (default:TEST)
API_ENDPOINT="https://pp-api.education.gov.uk/children-in-social-care-data-receiver-test/1" # 'Base URL'
SUPPLIER_KEY="c2VjcmV0LWtleQ=="                         # 'Primary key' or 'Secondary key'
TOKEN_ENDPOINT="https://login.microsoftonline.com/9c7d9dd3/oauth2/v2.0/token"   # 'OAuth token endpoint'
CLIENT_ID="8f3a-client-id"                            #'OAuth Client ID'
CLIENT_SECRET="Gq8~secret.#1"                         # 'Primary key' or 'Secondary key'
SCOPE="https://CustomerIdentityPP.onmicrosoft.com/aa3c/.default"   # 'OAuth Scope'

# LA DB related
USER_SERVER="ESLLREPORTS04V" # LA to change / this is the SystemC default currently
USER_DATABASE="HDM_Local" # LA to change

# Optional direct db connection str override
SQL_CONN_STR=

DEBUG=true # set false to supress verbose console feedback/output
USE_PARTIAL_PAYLOAD=false # toggle switch
TABLE_NAME="ssd_api_data_staging_anon" # IMPORTANT: This must remain _anon until LIVE data use
BATCH_SIZE=100
"#;

/// What becomes of [`PARTS`], but for the first line.
pub const OF_THE_PARTS: &str = r#"
cms     = "systemc"
la_code = "845"

[source]
host     = "ESLLREPORTS04V"   # USER_SERVER
database = "HDM_Local"   # USER_DATABASE
auth     = "windows"   # the account that runs csc-bridge; not on Windows: "kerberos"
schema   = "ssd_development"   # of the SSD's tables, which the .env does not tell
# The connection is encrypted and the server's certificate checked, which ODBC drivers before 18 do only if asked.
# If it is refused: ca_file = "…" with the issuer's certificate, or trust_server_certificate = true.

[staging]
schema = ""   # TABLE_NAME has none: the account's own, as until now
table  = "ssd_api_data_staging"   # the test table's name ends in _anon: --anon
# While D2I's SQL script goes on filling the table: managed_by = "sql". See docs/other-tools.md.

[payload]
mode = "full"   # USE_PARTIAL_PAYLOAD

[sink]
endpoint       = "https://pp-api.education.gov.uk/children-in-social-care-data-receiver-test/1"
token_endpoint = "https://login.microsoftonline.com/9c7d9dd3/oauth2/v2.0/token"
scope          = "https://CustomerIdentityPP.onmicrosoft.com/aa3c/.default"
client_id      = { env = "CLIENT_ID" }
client_secret  = { env = "CLIENT_SECRET" }
supplier_key   = { env = "SUPPLIER_KEY" }
max_records    = 100   # BATCH_SIZE

# Of the .env, without a key here:
# DEBUG: -v and -vv on the command line say more; [log] level is that of the log file
# SQL_CONN_STR: empty: the parts count
"#;

/// A whole connection string with a login of the server's own, nothing in quotes.
pub const WHOLE: &str = r"export LA_CODE=012
SQL_CONN_STR=DRIVER={ODBC Driver 17 for SQL Server};SERVER=sqlrep01.council.example\REPORTING;DATABASE=Mosaic_SSD;UID=svc_csc;PWD={p#ss;w}}rd=1};Encrypt=yes
USER_SERVER=old-server
TABLE_NAME=[Mosaic_SSD].[csc].[ssd_api_data_staging]
USE_PARTIAL_PAYLOAD=true
API_ENDPOINT=https://pp-api.education.gov.uk/children-in-social-care-data-receiver/1/
TOKEN_ENDPOINT=https://login.microsoftonline.com/9c7d9dd3/oauth2/v2.0/token
SCOPE=https://dfe.example/.default
CLIENT_ID=8f3a-client-id
CLIENT_SECRET=Gq8~secret.#1
SUPPLIER_KEY=c2VjcmV0LWtleQ==
BATCH_SIZE=250
HTTPS_PROXY=http://svc_proxy:pr0xy@word@proxy.council.example:8080
";

/// What becomes of [`WHOLE`], but for the first line.
pub const OF_THE_WHOLE: &str = r#"
cms     = "mosaic"
la_code = "012"

[source]
odbc   = { env = "SQL_CONN_STR" }   # with its password
schema = ""   # of the SSD's tables, which the .env does not tell
# odbc says: server sqlrep01.council.example\REPORTING, database Mosaic_SSD, user svc_csc.

[staging]
schema = "csc"   # TABLE_NAME
table  = "ssd_api_data_staging"
# While D2I's SQL script goes on filling the table: managed_by = "sql". See docs/other-tools.md.

[payload]
mode = "full"
# USE_PARTIAL_PAYLOAD was true. "partial" needs semantics = "merge" in [sink], once DfE has said that it merges.

[sink]
endpoint       = "https://pp-api.education.gov.uk/children-in-social-care-data-receiver/1"
token_endpoint = "https://login.microsoftonline.com/9c7d9dd3/oauth2/v2.0/token"
scope          = "https://dfe.example/.default"
client_id      = { env = "CLIENT_ID" }
client_secret  = { env = "CLIENT_SECRET" }
supplier_key   = { env = "SUPPLIER_KEY" }
max_records    = 100   # BATCH_SIZE was more than DfE takes
proxy          = "http://proxy.council.example:8080"   # HTTPS_PROXY
proxy_user     = "svc_proxy"
proxy_password = { env = "CSC_PROXY_PASSWORD" }   # what HTTPS_PROXY has before the @

# Of the .env, without a key here:
# USER_SERVER: SQL_CONN_STR goes before it
"#;

/// All in quotes, as Notepad saves it: the example of D2I's release, half filled in, with the connection string of its pages.
pub const QUOTED: &str = "\u{feff}\r\n# Development|Testing\r\nDEBUG='false'\r\n\r\nLA_CODE='845'\r\n\
    CLIENT_ID=\"as supplied from dfe api portal\"\r\n\
    CLIENT_SECRET='Gq8\\~s\"cret'\r\n\
    SUPPLIER_KEY=\"c2VjcmV0\\\"LWtleQ==\"\r\n\
    SCOPE=\"\"\r\nTOKEN_ENDPOINT = \"\"\r\nBATCH_SIZE='50'\r\n\
    USER_SERVER=\"your_la_reporting_db_server\"\r\n\
    TABLE_NAME=\"ssd_api_data_staging\" # <- TEST | LIVE -> ssd_api_data_staging\r\n\
    SQL_CONN_STR=\"Driver={ODBC Driver 18 for SQL Server};Server=tcp:SQL02\\\\SSD,1450;Database=HDM_Local;Trusted_Connection=yes;TrustServerCertificate=yes\"\r\n\
    API_ENDPOINT=\"https://pp-api.education.gov.uk/children-in-social-care-data-receiver-test/1\"";

/// What becomes of [`QUOTED`], but for the first line.
pub const OF_THE_QUOTED: &str = r#"
cms     = "systemc"
la_code = "845"

[source]
host                     = "SQL02"   # SQL_CONN_STR
port                     = 1450
database                 = "HDM_Local"
trust_server_certificate = true   # better: ca_file, and false
auth                     = "windows"   # the account that runs csc-bridge; not on Windows: "kerberos"
schema                   = "ssd_development"   # of the SSD's tables, which the .env does not tell

[staging]
schema = ""   # TABLE_NAME has none: the account's own, as until now
table  = "ssd_api_data_staging"
# While D2I's SQL script goes on filling the table: managed_by = "sql". See docs/other-tools.md.

[sink]
endpoint       = "https://pp-api.education.gov.uk/children-in-social-care-data-receiver-test/1"
token_endpoint = "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token"
scope          = "<scope>/.default"
client_id      = { env = "CLIENT_ID" }
client_secret  = { env = "CLIENT_SECRET" }
supplier_key   = { env = "SUPPLIER_KEY" }
max_records    = 50   # BATCH_SIZE

# Of the .env, without a key here:
# DEBUG: -v and -vv on the command line say more; [log] level is that of the log file
# USER_SERVER: SQL_CONN_STR goes before it
"#;

//! `init --from-env`: the `.env` of D2I's tool becomes a configuration. The files are made like those that authorities have: by the
//! example of D2I's release, by that of its notebook, by its pages, and by the habits of people who fill them in.

mod files;
mod secrets;

use std::collections::BTreeMap;
use std::fs;

use csc_bridge_core::config::{Config, Mode};
use toml::Value;

use crate::program::{Dfe, Ended, Place};
use files::{OF_THE_PARTS, OF_THE_QUOTED, OF_THE_WHOLE, PARTS, QUOTED, WHOLE};

/// The command on a file with this text.
fn init(place: &Place, text: &str, args: &[&str]) -> Ended {
    place.write(".env", text);
    place.run([&["init", "--from-env", ".env"], args].concat())
}

/// The command's file, its first line apart, and what it said.
fn turned(title: &str, text: &str, args: &[&str]) -> (Place, String, String) {
    let place = Place::empty();
    let ended = init(&place, text, args).well();
    let toml = place.read("csc-bridge.toml");
    println!("--- {title}\n{text}\n--- becomes\n{toml}\n--- and is said\n{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let (first, rest) = toml.split_once('\n').expect("lines");
    assert!(first.starts_with("# csc-bridge, from the .env"), "{first}");
    (place, rest.to_owned(), ended.stderr)
}

/// The written configuration, as every command reads it.
fn config(place: &Place) -> Config {
    Config::load(&place.path("csc-bridge.toml")).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The keys of `[source]` that are the adapter's.
fn source(text: &str, args: &[&str]) -> BTreeMap<String, Value> {
    let place = Place::empty();
    init(&place, &format!("LA_CODE=845\n{text}"), args).well();
    config(&place).source.options.parse().expect("the adapter's keys")
}

fn keys<const N: usize>(keys: [(&str, &str); N]) -> BTreeMap<String, Value> {
    let value = |text: &str| match text.parse::<i64>() {
        Ok(number) => Value::Integer(number),
        Err(_) if text == "true" => Value::Boolean(true),
        Err(_) => match text.strip_prefix('$') {
            Some(name) => Value::Table([("env".to_owned(), Value::String(name.to_owned()))].into_iter().collect()),
            None => Value::String(text.to_owned()),
        },
    };
    keys.into_iter().map(|(key, text)| (key.to_owned(), value(text))).collect()
}

#[test]
fn server_and_database_apart_become_keys() {
    let (place, toml, said) = turned("the parts", PARTS, &[]);
    assert_eq!(format!("\n{toml}"), OF_THE_PARTS);
    let config = config(&place);
    assert_eq!((config.la_code.as_str(), config.profile.name.as_str()), ("845", "systemc"));
    assert_eq!((config.source.adapter.as_str(), config.source.schema.as_str()), ("sqlserver", "ssd_development"));
    assert_eq!((config.staging.schema.as_str(), config.staging.table.as_str()), ("", "ssd_api_data_staging"));
    assert_eq!(config.payload.mode, Mode::Full);
    assert_eq!(config.anon().staging.table, "ssd_api_data_staging_anon");
    for words in
        ["HDM_Local", "--anon", "CLIENT_ID, as there", "CLIENT_SECRET, as", "SUPPLIER_KEY, as", "csc-bridge check"]
    {
        assert!(said.contains(words), "\"{words}\" is not in: {said}");
    }
    assert!(!said.contains("warning") && !said.contains("<…>"), "{said}");
    nothing_secret("the parts", &place, &said, &["c2VjcmV0", "8f3a", "Gq8"]);
}

#[test]
fn a_connection_string_with_a_password_stays_one_secret() {
    let (place, toml, said) = turned("a whole connection string", WHOLE, &["--cms", "mosaic"]);
    assert_eq!(format!("\n{toml}"), OF_THE_WHOLE);
    let config = config(&place);
    assert_eq!((config.la_code.as_str(), config.profile.name.as_str()), ("012", "mosaic"));
    assert_eq!(config.staging.schema, "csc");
    for words in
        ["SQL_CONN_STR, as there", "CSC_PROXY_PASSWORD, to the password in HTTPS_PROXY", "USE_PARTIAL_PAYLOAD is true"]
    {
        assert!(said.contains(words), "\"{words}\" is not in: {said}");
    }
    nothing_secret("the string", &place, &said, &["c2VjcmV0", "8f3a", "Gq8", "p#ss", "rd=1", "pr0xy", "old-server"]);
}

#[test]
fn values_in_quotes_lose_them_and_what_is_not_filled_in_is_marked() {
    let (place, toml, said) = turned("quoted values", QUOTED, &[]);
    assert_eq!(format!("\n{toml}"), OF_THE_QUOTED);
    assert_eq!(config(&place).la_code, "845");
    for words in ["CLIENT_ID, which has no value there", "CLIENT_SECRET, as there", "fill in the lines marked with <…>"]
    {
        assert!(said.contains(words), "\"{words}\" is not in: {said}");
    }
    nothing_secret("the quoted", &place, &said, &["c2VjcmV0", "Gq8", "as supplied"]);
}

fn nothing_secret(what: &str, place: &Place, said: &str, secrets: &[&str]) {
    let toml = place.read("csc-bridge.toml");
    for secret in secrets {
        assert!(!toml.contains(secret) && !said.contains(secret), "{what}: {secret} shows:\n{toml}\n{said}");
    }
}

#[test]
fn with_the_variables_set_the_api_is_reached_as_before() {
    for (text, args) in [(PARTS, &[][..]), (WHOLE, &["--cms", "mosaic"]), (QUOTED, &[])] {
        let dfe = Dfe::start();
        let place = Place::empty();
        init(&place, text, args).well();
        let toml = place.read("csc-bridge.toml");
        // Its place is here, and so is DfE's; Windows' logon is not to be had everywhere.
        let local = toml.lines().map(|line| match line.split_once('=').map(|(key, _)| key.trim()) {
            Some("endpoint") => format!("endpoint = \"http://{}\"", dfe.addr()),
            Some("token_endpoint") => format!("token_endpoint = \"http://{}/token\"", dfe.addr()),
            Some("auth") => "user = \"u\"\npassword = { env = \"CLIENT_ID\" }".to_owned(),
            _ => line.to_owned(),
        });
        let local: Vec<String> = local.collect();
        place.write("csc-bridge.toml", &format!("state_dir = \"state\"\n{}\n", local.join("\n")));
        let checked = |has_secrets: bool| {
            let mut command = place.command(["test-endpoint", "--json"]);
            if has_secrets {
                let string = "DRIVER={x};SERVER=127.0.0.1,9;DATABASE=d;UID=u;PWD={a;b}";
                command.env("CLIENT_ID", "i").env("CLIENT_SECRET", "s").env("SUPPLIER_KEY", "k");
                command.env("SQL_CONN_STR", string).env("CSC_PROXY_PASSWORD", "p");
            }
            let json = Ended::of(&mut command).json();
            let all = json["checks"].as_array().expect("checks").clone();
            let ids = ["config", "secrets", "api.token", "api.reach"];
            let result = |id: &str| all.iter().find(|check| check["id"] == id).expect("a check")["result"].clone();
            (ids.map(|id| result(id).as_str().expect("a result").to_owned()), json)
        };
        let (results, json) = checked(true);
        assert_eq!(results, ["pass"; 4], "{json:#}\n{toml}");
        let (results, json) = checked(false);
        assert_eq!(results[1], "fail", "nothing was set: {json:#}");
    }
}

#[test]
fn connection_strings_are_taken_apart() {
    let read = |string: &str| source(&format!("SQL_CONN_STR={string}"), &[]);
    let driver = "DRIVER={ODBC Driver 17 for SQL Server}";
    assert_eq!(
        read(&format!("{driver};SERVER=SQL01\\REPORTING;DATABASE=HDM_Local;Trusted_Connection=yes;")),
        keys([("host", "SQL01"), ("instance", "REPORTING"), ("database", "HDM_Local"), ("auth", "windows")])
    );
    assert_eq!(
        read(&format!("{driver};SERVER=tcp:sql01.la.gov.uk,1433;DATABASE=d;Integrated Security=SSPI;Encrypt=optional")),
        keys([("host", "sql01.la.gov.uk"), ("database", "d"), ("auth", "windows"), ("encrypt", "off")])
    );
    assert_eq!(
        read("Server=.,1450;Database={a;b};Trusted_Connection=Yes;Encrypt=strict;TrustServerCertificate=true"),
        keys([
            ("host", "localhost"),
            ("port", "1450"),
            ("database", "a;b"),
            ("auth", "windows"),
            ("encrypt", "strict"),
            ("trust_server_certificate", "true"),
        ])
    );
    // A trusted connection makes the login needless, so it is no secret that must be kept.
    assert_eq!(
        read("SERVER=h;DATABASE=d;Trusted_Connection=yes;UID=u;PWD=geheim"),
        keys([("host", "h"), ("database", "d"), ("auth", "windows")])
    );
    assert_eq!(read("SERVER=h;DATABASE=d;UID=u;PWD=geheim"), keys([("odbc", "$SQL_CONN_STR")]));
    // The first counts; the second is a password all the same.
    assert_eq!(read("SERVER=h;DATABASE=d;UID=u;PWD=;PWD=geheim"), keys([("odbc", "$SQL_CONN_STR")]));
    assert_eq!(
        read("SERVER=h;DATABASE=d;UID=u"),
        keys([("host", "h"), ("database", "d"), ("auth", "sql"), ("user", "u"), ("password", "$CSC_DB_PASSWORD")])
    );
    assert_eq!(
        read("SERVER=h\\I;DATABASE=d;Trusted_Connection=yes;ApplicationIntent=ReadOnly;HostNameInCertificate=x.y"),
        keys([
            ("host", "h\\I"),
            ("database", "d"),
            ("auth", "windows"),
            ("odbc", "ApplicationIntent=ReadOnly;HostNameInCertificate={x.y};"),
        ])
    );
    assert_eq!(
        read("DRIVER={PostgreSQL Unicode(x64)};SERVER=pg;PORT=5433;DATABASE=d;UID=u;PWD=geheim;SSLmode=verify-full"),
        keys([
            ("host", "pg"),
            ("port", "5433"),
            ("database", "d"),
            ("user", "u"),
            ("password", "$CSC_DB_PASSWORD"),
            ("sslmode", "verify-full"),
        ])
    );
}

#[test]
fn the_variables_count_in_the_order_of_d2is_tool() {
    let string =
        "DB_CONNECTION_STRING=Driver={ODBC Driver 17 for SQL Server};Server=S\\I;Database=d;Trusted_Connection=yes;";
    let parts = "USER_SERVER=p\nUSER_DATABASE=d";
    let of = |host: &str| keys([("host", host), ("database", "d"), ("auth", "windows")]);
    assert_eq!(source(&format!("{string}\n{parts}"), &[]), of("p"));
    assert_eq!(source(&format!("SQL_CONN_STR=SERVER=w;DATABASE=d;Trusted_Connection=1\n{parts}"), &[]), of("w"));
    assert_eq!(source(string, &[])["instance"], Value::String("I".to_owned()));
    // The login of D2I's PowerShell sender.
    let login = "DB_USER=svc\nDB_PASSWORD='geheim'";
    assert_eq!(
        source(&format!("{parts}\n{login}"), &[]),
        keys([("host", "p"), ("database", "d"), ("auth", "sql"), ("user", "svc"), ("password", "$DB_PASSWORD")])
    );
    assert_eq!(source(&format!("SQL_CONN_STR=SERVER=w;DATABASE=d;Trusted_Connection=1\n{login}"), &[]), of("w"));
}

#[test]
fn the_system_is_found_out_or_said_to_be_assumed() {
    for (text, cms, words) in [
        ("USER_DATABASE=hdm_local", "systemc", "for the database is HDM_Local"),
        ("TABLE_NAME=ssd_development.ssd_api_data_staging", "systemc", "for the schema is ssd_development"),
        ("SQL_CONN_STR=Driver=PostgreSQL ANSI;Server=h;Database=d", "eclipse", "for the database is PostgreSQL"),
        ("USER_DATABASE=Reporting", "systemc", "assumed"),
    ] {
        let place = Place::empty();
        let ended = init(&place, &format!("LA_CODE=845\n{text}"), &[]).well();
        assert_eq!(config(&place).profile.name, cms, "{text}");
        assert!(ended.stderr.contains(words), "{text}: {}", ended.stderr);
    }
    let place = Place::empty();
    init(&place, "LA_CODE=845\nUSER_SERVER=h\nUSER_DATABASE=HDM_Local", &["--cms", "eclipse"]).well();
    let config = config(&place);
    assert_eq!((config.profile.name.as_str(), config.source.adapter.as_str()), ("eclipse", "sqlserver"));
}

#[test]
fn no_variable_of_d2is_goes_unmentioned() {
    let all = "API_ENDPOINT=https://a.example/1\nBATCH_SIZE=37\nCLIENT_ID=s\nCLIENT_SECRET=s\nDEBUG=true\nLA_CODE=123\n\
        SCOPE=my/.default\nSQL_CONN_STR=SERVER=hhh;DATABASE=ddd;Trusted_Connection=yes\nSUPPLIER_KEY=s\nTABLE_NAME=sss.ttt\n\
        TOKEN_ENDPOINT=https://t.example/token\nUSER_DATABASE=x\nUSER_SERVER=x\nUSE_PARTIAL_PAYLOAD=true\nAPI_ENDPOINT_LA=x\n\
        DB_CONNECTION_STRING=x\nDB_PASSWORD=s\nDB_USER=x\nALL_PROXY=x\nCURL_CA_BUNDLE=x\nHTTPS_PROXY=http://p.example:1\nHTTP_PROXY=x\n\
        NO_PROXY=x\nREQUESTS_CA_BUNDLE=C:\\certs\\root.pem\n";
    let (_, toml, said) = turned("everything", all, &[]);
    assert!(!said.contains("warning"), "{said}");
    for (variable, trace) in [
        ("API_ENDPOINT", "\"https://a.example/1\""),
        ("BATCH_SIZE", "= 37 "),
        ("LA_CODE", "\"123\""),
        ("SCOPE", "\"my/.default\""),
        ("SQL_CONN_STR", "\"hhh\""),
        ("TABLE_NAME", "\"ttt\""),
        ("TOKEN_ENDPOINT", "\"https://t.example/token\""),
        ("HTTPS_PROXY", "\"http://p.example:1\""),
        ("REQUESTS_CA_BUNDLE", "'C:\\certs\\root.pem'"),
    ] {
        assert!(toml.contains(trace), "{variable}");
    }
    let others = all.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
    let untraced = ["API_ENDPOINT", "LA_CODE", "SCOPE", "TOKEN_ENDPOINT"];
    for name in others.filter(|name| !untraced.contains(name)) {
        let is_named = toml.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name);
        assert!(is_named, "{name} is not in the file");
    }
}

#[test]
fn a_variable_that_is_not_known_is_named_without_its_value() {
    let place = Place::empty();
    let ended = init(&place, "LA_CODE=845\nOUR_PROXY_LOGIN=geheim\nFOO='geheim'\n", &[]).well();
    assert!(ended.stderr.contains("not taken over: OUR_PROXY_LOGIN, FOO\n"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("geheim") && !place.read("csc-bridge.toml").contains("geheim"));
}

#[test]
fn what_the_sink_would_refuse_is_not_taken_over() {
    let place = Place::empty();
    let text = "LA_CODE=84\nAPI_ENDPOINT=https://u:geheim@a.example/1\nTOKEN_ENDPOINT=https://t.example/token?code=geheim\n\
        BATCH_SIZE=many\nHTTPS_PROXY=socks5://u:geheim@p:1\nTABLE_NAME=Other.csc.t\nSQL_CONN_STR=SERVER=h;DATABASE=d;UID=u;PWD=geheim\n";
    let said = init(&place, text, &[]).well().stderr;
    let toml = place.read("csc-bridge.toml");
    assert!(!said.contains("geheim") && !toml.contains("geheim"), "{said}\n{toml}");
    for name in ["LA_CODE", "API_ENDPOINT", "TOKEN_ENDPOINT", "BATCH_SIZE", "HTTPS_PROXY", "TABLE_NAME"] {
        assert!(said.contains(&format!("note: {name} ")), "{name}: {said}");
    }
    place.reconfigure("<three digits>", "845");
    assert_eq!(config(&place).sink.adapter, "dfe-csc-api");
    assert!(toml.contains("<tenant>") && !toml.contains("max_records") && !toml.contains("proxy"), "{toml}");
}

#[test]
fn a_proxy_is_parted_from_its_login() {
    for (value, proxy, user) in [
        ("http://proxy.example:8080", Some("http://proxy.example:8080"), None),
        ("proxy.example:8080", Some("http://proxy.example:8080"), None),
        ("HTTPS://proxy/", Some("https://proxy"), None),
        ("http://u:ge@h/e:im@proxy:8080/", Some("http://proxy:8080"), Some("u")),
        // What remains of a password that holds a blank and a #.
        ("http://u:a@geheim #b@proxy:8080", None, None),
        ("http://u:@geheim #b@proxy:8080", None, None),
        ("http://geheim@proxy:8080", None, None),
        ("http://u%20:x@proxy:8080", None, None),
        ("socks5://proxy:1080", None, None),
    ] {
        let place = Place::empty();
        let said = init(&place, &format!("LA_CODE=845\nHTTPS_PROXY={value}"), &[]).well().stderr;
        let keys: BTreeMap<String, Value> = config(&place).sink.options.parse().expect("the sink's keys");
        let text = |key: &str| keys.get(key).and_then(Value::as_str);
        assert_eq!((text("proxy"), text("proxy_user")), (proxy, user), "{value}");
        assert_eq!(keys.contains_key("proxy_password"), user.is_some(), "{value}");
        assert_eq!(said.contains("note: HTTPS_PROXY was not taken over"), proxy.is_none(), "{value}: {said}");
        assert!(!said.contains("geheim"), "{said}");
    }
}

#[test]
fn a_file_that_cannot_be_read_makes_none() {
    for (text, words) in [
        ("LA_CODE=845\ngeheim", &[".env: line 2: ", "NAME=value"][..]),
        ("A=1\nB=2\nCLIENT_SECRET=\"geheim", &[".env: line 3: ", "quote"]),
        ("A=1\nUSER_SERVER=\"geheim\\reporting\"", &["line 2: USER_SERVER", "control character"]),
        ("SQL_CONN_STR=SERVER=${geheim}", &["line 1: SQL_CONN_STR", "${…}"]),
        ("SQL_CONN_STR=SERVER=h;PWD={geheim", &[".env: SQL_CONN_STR: ", "PWD"]),
        ("SQL_CONN_STR=SERVER=h;PWD=a;geheim=b", &[".env: SQL_CONN_STR: ", "keyword"]),
        ("SQL_CONN_STR=DSN=geheim", &[".env: SQL_CONN_STR: ", "data source"]),
        ("USER_SERVER=np:geheim", &[".env: USER_SERVER, USER_DATABASE: ", "TCP"]),
    ] {
        let place = Place::empty();
        let ended = init(&place, text, &[]);
        ended.fails(2, words);
        assert!(!ended.stderr.contains("geheim"), "{}", ended.stderr);
        assert!(!place.path("csc-bridge.toml").exists(), "{text}");
    }
    let place = Place::empty();
    place.run(["init", "--from-env", "gone.env"]).fails(2, &["gone.env cannot be read"]);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("LA_CODE=845".bytes().flat_map(|byte| [byte, 0])).collect();
    fs::write(place.path("wide.env"), utf16).expect("a file");
    place.run(["init", "--from-env", "wide.env"]).fails(2, &["wide.env is not text in UTF-8"]);
    init(&place, "LA_CODE=845", &["--cms", "paper"]).fails(2, &["no starter configuration for \"paper\""]);
    assert!(!place.path("csc-bridge.toml").exists());
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::empty();
    place.write("csc-bridge.toml", "mine");
    init(&place, PARTS, &[]).fails(2, &["csc-bridge.toml is there already"]);
    assert_eq!(place.read("csc-bridge.toml"), "mine");
    init(&place, PARTS, &["-o", "other.toml"]).well();
    assert_eq!(place.read(".env"), PARTS);
}

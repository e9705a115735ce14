//! Secrets at random.

use std::fs;

use super::init;
use crate::program::Place;

/// Whatever a secret looks like and however it is quoted, well or badly, no piece of it shows.
#[test]
fn no_secret_ever_shows() {
    let seed =
        std::env::var("CSC_BRIDGE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("CSC_BRIDGE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut written, mut refused) = (0, 0);
    for _ in 0..150 {
        let mut pieces = Vec::new();
        let variables = [
            ("CLIENT_ID", "", ""),
            ("CLIENT_SECRET", "", ""),
            ("SUPPLIER_KEY", "", ""),
            ("DB_PASSWORD", "", ""),
            ("HTTPS_PROXY", "http://user:", "@proxy.example:8080"),
            ("SQL_CONN_STR", "DRIVER={x};SERVER=h;UID=u;PWD=", ";DATABASE=d"),
            ("SQL_CONN_STR", "PWD={", "};UID=u;SERVER=h;DATABASE=d;Encrypt=yes"),
            ("SQL_CONN_STR", "Driver=PostgreSQL Unicode;Server=h;Database=d;Pwd=", ";Uid=u;SSLmode=require"),
            ("SQL_CONN_STR", "SERVER=h;DATABASE=d;Trusted_Connection=yes;PWD=", ""),
            ("USER_SERVER", "h;Trusted_Connection=no;UID=u;PWD=", ""),
            ("SOMETHING_ELSE", "", ""),
        ];
        let mut text = String::from("LA_CODE=845\n");
        for _ in 0..3 {
            let (name, before, after) = variables[random.usize(..variables.len())];
            let secret = secret(&mut random, &mut pieces);
            let quote = ["", "'", "\""][random.usize(..3)];
            text.push_str(&format!("{name}={quote}{before}{secret}{after}{quote}\n"));
        }
        let place = Place::empty();
        let ended = init(&place, &text, &[]);
        let toml = fs::read_to_string(place.path("csc-bridge.toml")).unwrap_or_default();
        match ended.code {
            Some(0) => written += 1,
            code => {
                refused += 1;
                assert_eq!((code, toml.as_str()), (Some(2), ""), "{text}\n{}", ended.stderr);
            }
        }
        let shown = format!("{toml}\n{}\n{}", ended.stdout, ended.stderr).to_lowercase();
        for piece in pieces {
            assert!(!shown.contains(&piece.to_lowercase()), "{piece} of\n{text}\nshows in\n{shown}");
        }
    }
    println!("{written} were written, {refused} refused");
    assert!(written > 20 && refused > 20, "both ways are to be tried: {written}, {refused}");
}

/// Pieces that cannot be anything else, with what ends a value somewhere between them.
fn secret(random: &mut fastrand::Rng, pieces: &mut Vec<String>) -> String {
    const BETWEEN: &[&str] = &[
        "", "-", ".", ";", "=", ";x=", "{", "}", "}}", "};", "\\", "\\\\", "\"", "'", "\\\"", "\\'", "#", " #", " ",
        "@", ":", "/", "%", "$", "${", "<", ">", "é",
    ];
    let mut secret = String::new();
    for _ in 0..random.usize(1..4) {
        secret.push_str(BETWEEN[random.usize(..BETWEEN.len())]);
        let piece: String = std::iter::repeat_with(|| random.alphanumeric()).take(9).collect();
        secret.push_str(&piece);
        pieces.push(piece);
    }
    secret.push_str(BETWEEN[random.usize(..BETWEEN.len())]);
    secret
}

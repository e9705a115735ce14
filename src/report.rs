//! How a command ends: its exit code, its words for people on standard error, its JSON object on standard output.

use std::io::Write;
use std::time::Duration;

use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::payload::Finding;
use csc_bridge_core::pseudonym::Pseudonyms;
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::cli::{Cli, Command, RunArgs};

/// What a command has to say at its end.
pub struct Report {
    command: &'static str,
    run_id: String,
    run_date: Option<Date>,
    dry_run: bool,
    quiet: bool,
    keys: Map<String, Value>,
    code: Code,
    pseudonyms: Option<Pseudonyms>,
}

/// Exit codes (design, section 9), the one that counts first where several apply first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// Command line or configuration.
    Usage,
    /// A guard stopped the run.
    Guard,
    /// A database or the API could not be reached.
    Unreachable,
    /// Failed.
    Failed,
    /// Some records were refused.
    SomeRefused,
    /// All well.
    Well,
}

impl Code {
    fn number(self) -> u8 {
        match self {
            Code::Well => 0,
            Code::Failed => 1,
            Code::Usage => 2,
            Code::SomeRefused => 3,
            Code::Guard => 4,
            Code::Unreachable => 5,
        }
    }

    /// The code of an error.
    fn of(error: &anyhow::Error) -> Code {
        error.downcast_ref::<Error>().map_or(Code::Failed, |error| Code::of_kind(error.kind()))
    }

    /// The code of an error of a kind.
    pub fn of_kind(kind: Kind) -> Code {
        match kind {
            Kind::Config => Code::Usage,
            Kind::Guard => Code::Guard,
            Kind::Unreachable => Code::Unreachable,
            _ => Code::Failed,
        }
    }
}

impl Report {
    pub fn new(cli: &Cli) -> Report {
        let run = |args: &RunArgs| args.dry_run;
        let (command, dry_run) = match &cli.command {
            Command::Init(_) => ("init", false),
            Command::Run(args) => ("run", run(&args.stage.run)),
            Command::Stage(args) => ("stage", run(&args.stage.run)),
            Command::Submit(args) => ("submit", run(&args.run)),
            Command::Plan(_) => ("plan", true),
            Command::Check(args) => ("check", !args.send_test_record),
            Command::TestDbConnection(_) => ("test-db-connection", true),
            Command::TestSchema(_) => ("test-schema", true),
            Command::TestEndpoint(args) => ("test-endpoint", !args.send_test_record),
            Command::RunSmoke(args) => ("run-smoke", !args.send_test_record),
            Command::Payload(_) => ("payload", true),
            Command::Status(_) => ("status", false),
            Command::Resubmit(args) => ("resubmit", args.dry_run),
            Command::Plugin(_) => ("plugin", false),
            Command::PluginHost => (crate::plugin::load::CHILD, false),
            Command::Generate(_) => ("generate", false),
            Command::Mutate(_) => ("mutate", false),
            Command::Simulate(_) => ("simulate", false),
            Command::Demo(_) => ("demo", false),
        };
        Report {
            command,
            run_id: Uuid::new_v4().to_string(),
            run_date: None,
            dry_run,
            quiet: cli.global.quiet,
            keys: Map::new(),
            code: Code::Well,
            pseudonyms: None,
        }
    }

    pub fn command(&self) -> &'static str {
        self.command
    }

    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    pub fn run_date(&mut self, date: Date) {
        self.run_date = Some(date);
    }

    pub fn names_children_by(&mut self, pseudonyms: Pseudonyms) {
        self.pseudonyms = Some(pseudonyms);
    }

    /// Prints a table of names and numbers for people.
    pub fn table(&self, title: &str, lines: &[(String, String)]) {
        if self.quiet || lines.is_empty() {
            return;
        }
        eprintln!("{title}");
        let widest = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in lines {
            eprintln!("  {name:widest$}  {value}");
        }
    }

    /// Adds a key to the JSON object.
    pub fn key(&mut self, name: &str, value: impl serde::Serialize) {
        self.keys.insert(name.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
    }

    /// The command ends with this code, unless a graver one was or will be said.
    pub fn at_least(&mut self, code: Code) {
        self.code = self.code.min(code);
    }

    /// The exit code the command will end with.
    pub fn code_with(&self, error: Option<&anyhow::Error>) -> i32 {
        error.map_or(self.code, |error| self.code.min(Code::of(error))).number().into()
    }

    /// Whether nothing may be written.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The command's own keys as text, for the run log.
    pub fn own_json(&self) -> String {
        Value::Object(self.keys.clone()).to_string()
    }

    /// Findings as the JSON object has them, children as pseudonyms.
    pub fn findings(&self, findings: &[Finding]) -> Value {
        let example = |id: &Option<String>| id.as_deref().zip(self.pseudonyms.as_ref()).map(|(id, names)| names.of(id));
        let line = |found: &Finding| json!({ "rule": found.rule, "severity": found.severity, "count": found.count, "example": example(&found.example) });
        findings.iter().map(line).collect()
    }

    /// Ends the program: prints what went wrong, then the JSON object where it is asked for; returns the exit code.
    pub fn finish(mut self, result: anyhow::Result<()>, took: Duration, json: bool) -> u8 {
        if let Err(error) = result {
            self.at_least(Code::of(&error));
            let (kind, message, advice) = match error.downcast_ref::<Error>() {
                Some(error) => (format!("{:?}", error.kind()), error.to_string(), error.advice().to_owned()),
                None => ("Internal".to_owned(), error.to_string(), String::new()),
            };
            tracing::error!(target: crate::log::FILE_ONLY, kind, advice, "{message}");
            eprintln!("error: {message}");
            if !advice.is_empty() {
                eprintln!("  what to do: {advice}");
            }
            self.key("error", json!({ "kind": kind, "message": message, "advice": advice }));
        }
        let code = self.code.number();
        tracing::info!(exit_code = code, seconds = took.as_secs_f64(), "ended");
        if json {
            let mut object = Map::new();
            object.insert("command".into(), self.command.into());
            object.insert("run_id".into(), self.run_id.into());
            object.insert("run_date".into(), self.run_date.map(|date| date.to_string()).into());
            object.insert("dry_run".into(), self.dry_run.into());
            object.insert("exit_code".into(), code.into());
            object.insert("seconds".into(), ((took.as_secs_f64() * 1000.0).round() / 1000.0).into());
            object.extend(self.keys);
            // Whoever asked may have gone: that is no fault of the run.
            let _ = writeln!(std::io::stdout(), "{}", Value::Object(object));
        }
        code
    }
}

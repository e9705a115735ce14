//! `payload`: what would be sent, printed. Analysts approve data by looking at it.

use std::io::{self, BufWriter, Write};
use std::sync::Mutex;

use csc_bridge_core::config::{Mode, Semantics};
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::payload::Finding;
use csc_bridge_core::pipeline::{self, Event, Shows, StageSettings};

use crate::cli::{Global, Payload};
use crate::report::Report;
use crate::setup::Setup;

/// The command. One document a line; one child's is printed for reading.
pub async fn payload(global: &Global, args: &Payload, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.run.anon)?;
    let sink = setup.sink_facts()?;
    let date = setup.run_date(args.run.run_date, sink, report)?;
    let plan = setup.plan(date)?;
    let shows = Shows { finding_values: args.findings, prepared: args.partial, ..Shows::default() };
    let mut settings = StageSettings { shows, ..setup.stage_settings(sink, true) };
    if args.partial {
        // What a DfE that merges would need, whatever the configuration says that this one does.
        (settings.policy.semantics, settings.policy.mode) = (Semantics::Merge, Mode::Partial);
    }
    let printer = Mutex::new(Printer { out: BufWriter::new(io::stdout()), count: 0, result: Ok(()) });
    let staged = pipeline::stage(plan, setup.source()?, setup.staging()?, settings, &mut |event| {
        let Event::Document { person_id, document, partial, to_be_sent } = event else { return };
        let wanted = match &args.child {
            Some(id) => id.trim() == person_id,
            None => args.all || to_be_sent,
        };
        if wanted
            && !args.findings
            && let Ok(mut printer) = printer.lock()
        {
            let both =
                args.partial.then(|| format!("{{\"full\":{document},\"partial\":{}}}", partial.unwrap_or("null")));
            printer.print(both.as_deref().unwrap_or(document), args.child.is_some());
        }
    })
    .await?;
    let printer = printer.into_inner().map_err(|_| Error::internal("printing panicked"))?;
    let (count, mut out) = (printer.count, printer.out);
    let findings = if args.findings { staged.findings.as_slice() } else { &[] };
    match printer.result.and_then(|()| print_findings(&mut out, findings)).and_then(|()| out.flush()) {
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        result => result.map_err(|error| {
            Error::new(
                Kind::Io,
                format!("standard output cannot be written: {}", error.kind()),
                "check where it is redirected to",
            )
        })?,
    }
    drop(out);
    let findings = report.findings(&staged.findings);
    report.key("documents", count);
    report.key("findings", findings);
    if args.findings {
        let notes = &setup.config.profile.notes;
        let notes: Vec<(String, String)> = notes.iter().map(|note| (note.rule.clone(), note.text.clone())).collect();
        report.table("Known of this CMS", &notes);
    } else if let (Some(_), 0) = (&args.child, count) {
        return Err(Error::new(
            Kind::Data,
            "there is no document for that child",
            "the id is compared exactly; the child may be out of the cohort, or refused for its id (see: csc-bridge payload --findings)",
        )
        .into());
    }
    Ok(())
}

struct Printer {
    out: BufWriter<io::Stdout>,
    count: u64,
    result: io::Result<()>,
}

impl Printer {
    fn print(&mut self, document: &str, for_reading: bool) {
        if self.result.is_err() {
            return;
        }
        self.count += 1;
        let readable = serde_json::from_str::<serde_json::Value>(document).ok().filter(|_| for_reading);
        self.result = match readable.and_then(|value| serde_json::to_string_pretty(&value).ok()) {
            Some(text) => writeln!(self.out, "{text}"),
            None => writeln!(self.out, "{document}"),
        };
    }
}

/// Findings with values go to standard output, like the documents: they are children's data.
fn print_findings(out: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    for found in findings {
        writeln!(out, "{}  {}", found.count, found.rule)?;
        if let Some(example) = &found.example {
            writeln!(out, "    for example child {example}")?;
        }
        if !found.values.is_empty() {
            let values: Vec<String> = found.values.iter().map(|value| format!("{value:?}")).collect();
            writeln!(out, "    values: {}", values.join(", "))?;
        }
    }
    Ok(())
}

//! `resubmit`: children of a list, marked so that they go out in full.

mod list;

use std::time::Instant;

use csc_bridge_core::config::{ManagedBy, Mode, Semantics};
use csc_bridge_core::error::{Error, Kind};
use csc_bridge_core::staging::{Choice, Resubmitted, Staging};
use serde_json::{Map, Value, json};

use crate::cli::{Global, Resubmit};
use crate::log::FILE_ONLY;
use crate::report::{Code, Report};
use crate::setup::{self, Setup};
use crate::stage::{self, Logged};
use list::List;

/// Lines of a kind that the JSON object names.
const MOST_LINES: usize = 100;

/// The command.
pub async fn resubmit(global: &Global, args: &Resubmit, report: &mut Report) -> anyhow::Result<()> {
    let setup = Setup::load(global, report, args.anon)?;
    let choice = choice(&setup)?;
    let list = List::read(&args.file)?;
    let date = setup::today()?;
    report.run_date(date);
    let staging = setup.staging()?;
    if !staging.is_ready().await? {
        return Err(Error::new(Kind::Schema, "there is no staging table yet", "run: csc-bridge stage").into());
    }
    if args.dry_run {
        let became = staging.resubmit(&list.ids, choice, true).await?;
        show(report, &list, &became, choice);
        return Ok(());
    }
    staging.prepare().await?;
    let began = Instant::now();
    let outcome = match mark(&*staging, &list, choice).await {
        Ok(became) => {
            show(report, &list, &became, choice);
            Ok(())
        }
        Err(error) => Err(error),
    };
    stage::log_run(&*staging, report, Logged { date, shard: None, began, staged: None }, outcome).await
}

/// Nobody stages or, where rows have no locks, sends meanwhile.
async fn mark(staging: &dyn Staging, list: &List, choice: Choice) -> anyhow::Result<Vec<Resubmitted>> {
    let _stage = staging.lock_stage(None).await?;
    let _submit = staging.lock_submit().await?;
    Ok(staging.resubmit(&list.ids, choice, false).await?)
}

/// Which rows `submit` would look at.
///
/// # Errors
/// [`Kind::Config`] where a mark would not lead to a full document.
fn choice(setup: &Setup) -> Result<Choice, Error> {
    let config = &setup.config;
    match (config.staging.managed_by, config.sink.semantics, config.payload.mode) {
        // What is sent of such a row is made of it in the moment of sending, and nothing in it could say that it is to be all.
        (ManagedBy::Sql, _, Mode::Partial) => Err(Error::new(
            Kind::Config,
            "resubmit asks for full documents, and with [staging] managed_by = \"sql\" and [payload] mode = \"partial\" submit \
             sends what changed",
            "write mode = \"full\" until they have been sent",
        )),
        (ManagedBy::Sql, ..) => Ok(Choice::Sql),
        (ManagedBy::CscBridge, Semantics::Replace, _) => Ok(Choice::AsStaged),
        (ManagedBy::CscBridge, Semantics::Merge, _) => Ok(Choice::Prepared),
    }
}

/// What a part of the list came to.
struct Part {
    key: &'static str,
    words: &'static str,
    lines: Vec<usize>,
}

/// Adds what became of the list to the report. Ids are never told, lines are. Not all of the list going out is told by the exit code, too.
fn show(report: &mut Report, list: &List, became: &[Resubmitted], choice: Choice) {
    let of = |wanted: Resubmitted| -> Vec<usize> {
        let lines = list.lines.iter().zip(became);
        lines.filter(|(_, became)| **became == wanted).map(|(line, _)| *line).collect()
    };
    let (marked, already) = (of(Resubmitted::Marked).len(), of(Resubmitted::AlreadyPending).len());
    let mut unknown = of(Resubmitted::Unknown);
    unknown.extend(&list.without_id);
    unknown.sort_unstable();
    let parts = [
        Part { key: "out", words: "out of the cohort, never sent", lines: of(Resubmitted::Out) },
        Part { key: "kept", words: "with another status or no document, left alone", lines: of(Resubmitted::Kept) },
        Part { key: "waiting", words: "being sent, or waiting for an answer", lines: of(Resubmitted::Waiting) },
        Part { key: "unknown", words: "without a row in the staging table", lines: unknown },
    ];
    let listed = list.ids.len() + list.without_id.len();
    let mut counts = Map::from_iter([("listed", listed), ("marked", marked), ("already_pending", already)].map(pair));
    counts.extend(parts.iter().map(|part| pair((part.key, part.lines.len()))));
    let named = parts.iter().filter(|part| !part.lines.is_empty());
    let lines: Map<String, Value> = named
        .clone()
        .map(|part| (part.key.to_owned(), json!(part.lines[..part.lines.len().min(MOST_LINES)])))
        .collect();
    counts.insert("lines".to_owned(), Value::Object(lines));
    report.key("resubmit", counts);

    let title = if report.is_dry_run() { "Would be marked for a full send" } else { "Marked for a full send" };
    let line = |name: &str, value: String| (name.to_owned(), value);
    let mut table = vec![line("marked", marked.to_string())];
    if already > 0 {
        table.push(line("to be sent in full already", already.to_string()));
    }
    if marked + already > 0 {
        let when = if choice == Choice::Prepared { "run, or stage and then submit" } else { "submit or run" };
        table.push(line("they go out with the next", when.to_owned()));
    }
    for part in named {
        report.at_least(Code::SomeRefused);
        let (count, lines) = (part.lines.len(), in_short(&part.lines));
        tracing::warn!(target: FILE_ONLY, count, lines, "listed children {}", part.words);
        table.push(line(part.words, format!("{count}: {lines}")));
    }
    tracing::info!(listed, marked, already_pending = already, "children were marked for a full send");
    report.table(title, &table);
}

fn pair((key, count): (&str, usize)) -> (String, Value) {
    (key.to_owned(), json!(count))
}

/// Lines as people write them: `lines 3, 5-9, 12 and 4 more`. `lines` rises.
fn in_short(lines: &[usize]) -> String {
    const MOST: usize = 20;
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => runs.push((*line, *line)),
        }
    }
    let shown: Vec<String> = runs
        .iter()
        .take(MOST)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    let rest: usize = runs.iter().skip(MOST).map(|(first, last)| last - first + 1).sum();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{} {}{more}", if lines.len() == 1 { "line" } else { "lines" }, shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::in_short;

    #[test]
    fn lines_are_told_in_short() {
        assert_eq!(in_short(&[3]), "line 3");
        assert_eq!(in_short(&[1, 2, 3, 5, 7, 8]), "lines 1-3, 5, 7-8");
        let odd: Vec<usize> = (0..30).map(|n| 2 * n + 1).chain([100, 101]).collect();
        assert!(in_short(&odd).ends_with(", 37, 39 and 12 more"), "{}", in_short(&odd));
    }
}

//! A chunk's documents, written and hashed on all cores.
//!
//! Each core has children that stand side by side, an assembler, a page for their documents, and findings of its own, so that none waits
//! for another. Put together in order they are what one core would have written, findings and their examples included.

use std::borrow::Cow;
use std::num::NonZero;
use std::thread;

use super::reading::Chunk;
use crate::error::{Error, Result};
use crate::payload::{Assembled, Assembler, Findings, Plan, Verdict};
use crate::staging::Hash;

/// For fewer children a thread is not worth its start.
const LEAST: usize = 128;

/// The documents of children that stand side by side.
pub(super) struct Page<'a> {
    text: String,
    children: Vec<Written<'a>>,
}

/// What became of a child.
enum Written<'a> {
    /// Its document ends there; the next one begins.
    Cohort {
        end: usize,
        hash: Hash,
        legacy_id: Option<Cow<'a, str>>,
        records: u64,
    },
    Left,
    Refused,
    Unread,
}

/// Writes the documents of a chunk; the pages are in the order of `ids`.
///
/// # Errors
/// As [`Chunk::judge`].
pub(super) fn assemble<'a>(
    plan: &'a Plan,
    chunk: &'a Chunk,
    ids: &'a [String],
    findings: &mut Findings,
) -> Result<Vec<Page<'a>>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    assemble_on(cores, plan, chunk, ids, findings)
}

/// The same on so many cores.
fn assemble_on<'a>(
    cores: usize,
    plan: &'a Plan,
    chunk: &'a Chunk,
    ids: &'a [String],
    findings: &mut Findings,
) -> Result<Vec<Page<'a>>> {
    let share = ids.len().div_ceil(cores).max(LEAST);
    let Some((own, others)) = ids.split_at_checked(share).filter(|(_, others)| !others.is_empty()) else {
        return Ok(vec![page(plan, chunk, 0, ids, findings)?]);
    };
    thread::scope(|scope| {
        let mut threads = Vec::with_capacity(cores);
        for (at, ids) in others.chunks(share).enumerate() {
            let mut apart = findings.apart();
            let begin = share * (at + 1);
            let write = move || page(plan, chunk, begin, ids, &mut apart).map(|page| (page, apart));
            threads.push(scope.spawn(write));
        }
        let mut pages = vec![page(plan, chunk, 0, own, findings)?];
        for thread in threads {
            let (page, apart) = thread.join().map_err(|_| Error::internal("assembling a chunk panicked"))??;
            findings.append(apart);
            pages.push(page);
        }
        Ok(pages)
    })
}

/// Writes the documents of the children from number `begin` on.
fn page<'a>(
    plan: &'a Plan,
    chunk: &'a Chunk,
    begin: usize,
    ids: &'a [String],
    findings: &mut Findings,
) -> Result<Page<'a>> {
    let mut assembler = Assembler::new(plan);
    let mut page = Page { text: String::new(), children: Vec::with_capacity(ids.len()) };
    for (number, id) in ids.iter().enumerate() {
        page.children.push(match chunk.judge(&mut assembler, begin + number, id, findings)? {
            Verdict::Cohort(child) => {
                page.text.push_str(child.document);
                let (end, legacy_id) = (page.text.len(), child.legacy_id);
                Written::Cohort { end, hash: child.hash, legacy_id, records: child.records }
            }
            Verdict::Left => Written::Left,
            Verdict::Refused => Written::Refused,
            Verdict::Unread => Written::Unread,
        });
    }
    Ok(page)
}

impl<'a> Page<'a> {
    /// What became of each child, in order.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict<'a, '_>> {
        let mut begin = 0;
        self.children.iter().map(move |child| match child {
            Written::Cohort { end, hash, legacy_id, records } => {
                let document = &self.text[begin..*end];
                begin = *end;
                Verdict::Cohort(Assembled { document, hash: *hash, legacy_id: legacy_id.clone(), records: *records })
            }
            Written::Left => Verdict::Left,
            Written::Refused => Verdict::Refused,
            Written::Unread => Verdict::Unread,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Names, PayloadConfig, Profile, load_definition};
    use jiff::civil::date;

    /// Documents as a source delivers them, most with something to find fault with.
    fn documents(count: usize) -> (Chunk, Vec<String>) {
        let mut random = fastrand::Rng::with_seed(9);
        let ids: Vec<String> = (0..count).map(|number| format!("{number:05}")).collect();
        let document = |id: &String| {
            let sex = ["M", "F", "robot", "ship"][random.usize(..4)];
            let born = ["2015-01-01", "2015-02-30", "1950-01-01"][random.usize(..3)];
            let text = format!(
                "{{\"la_child_id\":\"{id}\",\"child_details\":{{\"sex\":\"{sex}\",\"first_name\":\"N{}\",\"date_of_birth\":\"{born}\"}}}}",
                random.u32(..)
            );
            (random.u8(..) > 5).then_some(text)
        };
        (Chunk::Documents(ids.iter().map(document).collect()), ids)
    }

    #[test]
    fn many_cores_write_what_one_writes() {
        let definition = load_definition("dfe-csc-0.9", Path::new(".")).expect("the definition");
        let payload = PayloadConfig::default();
        let plan = Plan::new(&definition, &Profile::default(), &Names::default(), &payload, date(2026, 11, 20));
        let plan = plan.expect("a plan");
        let all = |cores: usize, count: usize| {
            let (chunk, ids) = documents(count);
            let mut findings = Findings::with_values();
            let pages = assemble_on(cores, &plan, &chunk, &ids, &mut findings).expect("documents or findings");
            let verdicts = pages.iter().flat_map(Page::verdicts).map(|verdict| match verdict {
                Verdict::Cohort(child) => (child.document.to_owned(), Some(child.hash)),
                Verdict::Left => ("left".to_owned(), None),
                Verdict::Refused => ("refused".to_owned(), None),
                Verdict::Unread => ("unread".to_owned(), None),
            });
            let verdicts: Vec<_> = verdicts.collect();
            assert_eq!(verdicts.len(), count);
            (verdicts, findings.list(), pages.len())
        };
        for count in [0, 1, LEAST, LEAST + 1, 5 * LEAST - 1, 8 * LEAST] {
            let (documents, findings, _) = all(1, count);
            assert!(count < LEAST || (findings.len() >= 2 && findings.iter().any(|found| found.values.len() > 1)));
            for cores in [2, 3, 8] {
                let (parallel, found, pages) = all(cores, count);
                assert_eq!(parallel, documents, "{count} children on {cores} cores");
                assert_eq!(found, findings, "{count} children on {cores} cores");
                assert_eq!(pages, count.div_ceil(count.div_ceil(cores).max(LEAST)).max(1));
            }
        }
    }
}

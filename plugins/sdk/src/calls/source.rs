//! The entries of a source, its sessions and its streams.

use std::path::Path;
use std::sync::Arc;

use csc_bridge_core::config::Options;
use csc_bridge_core::source::Table;
use csc_bridge_plugin_abi::message::{
    Children, NewHandle, NewSource, OneTable, Open, Rows, ScanOf, TableColumns, decode_input, encode,
};
use csc_bridge_plugin_abi::table::{COMPLETE, Entry, Handle, OK};

use super::{nothing, stranger};
use crate::library::{Kept, Library, Thing};
use crate::output::{Answer, Output, json};
use crate::session::{Opened, Piece, Session};
use crate::turn::{Turn, wait};

pub(crate) fn source_new(library: &'static Library, _: Handle, input: &[u8]) -> Answer {
    let maker = library.definition.source.ok_or_else(stranger)?;
    let NewSource { options, folder } = decode_input(Entry::SourceNew, input)?;
    let options = Options::from_json("source", Path::new(&folder), &options)?;
    let it = wait(library.spawned(async move { (maker.new)(&options) }))?;
    made(library, Thing::Source(Arc::new(Kept { turn: Turn::default(), it })))
}

pub(crate) fn source_open(library: &'static Library, of: Handle, input: &[u8]) -> Answer {
    let Some(Thing::Source(source)) = library.find(of) else { return Err(stranger().into()) };
    let tables: Vec<Table> = decode_input::<Open>(Entry::SourceOpen, input)?.into();
    let it = source.it.clone();
    let session = source.turn.run(library.spawned(async move { Opened::of(&*it, &tables).await }))?;
    made(library, Thing::Session(Arc::new(Session::start(library, session)?)))
}

pub(crate) fn session_list(library: &'static Library, of: Handle, input: &[u8]) -> Answer {
    let session = session(library, of)?;
    let TableColumns { table, columns } = decode_input(Entry::SessionList, input)?;
    made(library, Thing::Stream(Arc::new(session.list(table.into(), columns)?)))
}

pub(crate) fn session_count(library: &'static Library, of: Handle, input: &[u8]) -> Answer {
    let session = session(library, of)?;
    let OneTable { table } = decode_input(Entry::SessionCount, input)?;
    json(&Rows { rows: session.count(table.into())? })
}

pub(crate) fn session_select(library: &'static Library, of: Handle, input: &[u8]) -> Answer {
    let session = session(library, of)?;
    let children: Children = decode_input(Entry::SessionSelect, input)?;
    session.select(children.selected()?)?;
    Ok(nothing())
}

pub(crate) fn session_scan(library: &'static Library, of: Handle, input: &[u8]) -> Answer {
    let session = session(library, of)?;
    let scan: ScanOf = decode_input(Entry::SessionScan, input)?;
    made(library, Thing::Stream(Arc::new(session.scan(scan.into())?)))
}

pub(crate) fn session_documents(library: &'static Library, of: Handle, input: &[u8]) -> Answer {
    let session = session(library, of)?;
    let children: Children = decode_input(Entry::SessionDocuments, input)?;
    let children = children.children.map(|children| children.into_owned());
    made(library, Thing::Stream(Arc::new(session.documents(children)?)))
}

pub(crate) fn stream_next(library: &'static Library, of: Handle, _: &[u8]) -> Answer {
    let Some(Thing::Stream(stream)) = library.find(of) else { return Err(stranger().into()) };
    Ok(match stream.next()? {
        Piece::Rows(bytes) => Output::new(OK, bytes),
        Piece::Complete(rows) => Output::new(COMPLETE, encode(&Rows { rows })?),
    })
}

fn session(library: &Library, of: Handle) -> csc_bridge_core::error::Result<Arc<Session>> {
    match library.find(of) {
        Some(Thing::Session(session)) => Ok(session),
        _ => Err(stranger()),
    }
}

fn made(library: &Library, thing: Thing) -> Answer {
    json(&NewHandle { handle: library.keep(thing) })
}

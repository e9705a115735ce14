//! Running one written statement, with its rows handed over as they come.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::{CancelToken, Client, NoTls, RowStream};

use super::errors::{error, failed};
use super::rewrite::{Asked, Output, Rewritten};
use super::types::{self, Family};
use super::values::{self, Bound, Raw};
use crate::session::{Answer, Column, Failed, Part, Type};

/// How long a query of a transaction is read to its end after the client has lost interest.
const PATIENCE: Duration = Duration::from_secs(5);

/// Cancels what runs when it is dropped without an end: whoever waited has gone.
pub(crate) struct Running(Option<CancelToken>);

impl Running {
    pub(crate) fn new(client: &Client) -> Running {
        Running(Some(client.cancel_token()))
    }

    pub(crate) fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let (Some(token), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { token.cancel_query(NoTls).await });
        }
    }
}

/// Runs a query or a change; the number of its rows.
pub(crate) async fn run(
    client: &Client,
    written: &Rewritten,
    asked: &Asked,
    text: &str,
    answer: &mut dyn Answer,
) -> Result<u64, Failed> {
    let told = |fault: tokio_postgres::Error| failed(&fault, text);
    let params = || written.bound.iter().map(|at| &asked.params[*at]);
    let kinds: Vec<_> = params().map(|param| values::sent_as(param.kind)).collect();
    let bound: Vec<Bound> = params().map(|param| Bound::new(param.kind, &param.value)).collect();
    let statement = client.prepare_typed(&written.sql, &kinds).await.map_err(told)?;
    let Some(outputs) = &written.columns else {
        return client.execute_raw(&statement, bound).await.map_err(told);
    };
    if outputs.len() != statement.columns().len() {
        return Err(error(40517, format!("the test server: the columns of {text} were not found out")).into());
    }
    let mut columns = Vec::new();
    for (output, column) in outputs.iter().zip(statement.columns()) {
        let own = types::of_postgres(column.type_(), column.type_modifier());
        let kind = known(output, own).ok_or_else(|| error(40517, format!("the test server: a type in {text}")))?;
        columns.push(Column { name: output.name.clone(), kind, nullable: output.nullable });
    }
    let columns: Arc<[Column]> = columns.into();
    let rows = client.query_raw(&statement, bound).await.map_err(told)?;
    let mut rows = pin!(rows);
    answer.part(Part::Columns(columns.clone())).await?;
    let mut count = 0;
    while let Some(row) = rows.try_next().await.map_err(told)? {
        let mut values = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            let from = row.columns()[at].type_().clone();
            let raw: Raw = row.try_get(at).map_err(told)?;
            let value = values::value(raw, &from, column.kind);
            values.push(value.ok_or_else(|| error(40517, format!("the test server: a value of {text}")))?);
        }
        count += 1;
        if answer.part(Part::Row(values)).await.is_err() {
            give_up(client, rows.as_mut(), asked.transactions > 0).await;
            return Err(Failed::Cancelled);
        }
    }
    Ok(count)
}

/// Reads what is left, so that nothing of it meets the next statement.
async fn give_up(client: &Client, mut rows: std::pin::Pin<&mut RowStream>, in_transaction: bool) {
    let token = client.cancel_token();
    let mut drain = async || while let Ok(Some(_)) = rows.try_next().await {};
    if in_transaction && tokio::time::timeout(PATIENCE, drain()).await.is_ok() {
        return;
    }
    let _ = token.cancel_query(NoTls).await;
    drain().await;
}

/// The type that the statement says, where PostgreSQL's values can be it.
fn known(output: &Output, own: Option<Type>) -> Option<Type> {
    let (Some(said), Some(own)) = (output.kind, own) else { return own };
    let fits = match (types::family(said), types::family(own)) {
        (Family::Fraction, Family::Whole) | (Family::Whole, Family::Fraction) => true,
        (Family::Fraction, Family::Fraction) => {
            matches!(said, Type::Decimal { .. }) == matches!(own, Type::Decimal { .. })
        }
        (said, own) => said == own,
    };
    Some(if fits { said } else { own })
}

//! Dates and times: as text, and their sums and differences.

use super::{Sql, Stop, Written};
use crate::session::Type;

/// A moment as text in one of CONVERT's styles.
pub(crate) fn text(kind: Type, value: &str, style: Option<u32>) -> Written<String> {
    let digits = match kind {
        Type::DateTime => 3,
        Type::DateTime2(scale) | Type::DateTimeOffset(scale) | Type::Time(scale) => scale,
        _ => 0,
    };
    let style = match (style, kind) {
        (Some(style), _) => style,
        (None, Type::DateTime | Type::SmallDateTime) => 0,
        (None, _) => 121,
    };
    let fraction = match digits {
        0 => String::new(),
        7 => format!("to_char({value}, '.US') || '0'"),
        digits => format!("left(to_char({value}, '.US'), {})", digits + 1),
    };
    let with_fraction = |format: &str| match fraction.is_empty() {
        true => format!("to_char({value}, '{format}')"),
        false => format!("(to_char({value}, '{format}') || {fraction})"),
    };
    Ok(match (style, kind) {
        (_, Type::DateTimeOffset(_)) => return Err(Stop::Shape),
        (20 | 21 | 23 | 120 | 121 | 126 | 127, Type::Date) => format!("to_char({value}, 'YYYY-MM-DD')"),
        (20 | 21 | 120 | 121 | 126, Type::Time(_)) => with_time(value, digits),
        (23, _) => format!("to_char({value}, 'YYYY-MM-DD')"),
        (112, _) => format!("to_char({value}, 'YYYYMMDD')"),
        (20 | 120, _) => format!("to_char({value}, 'YYYY-MM-DD HH24:MI:SS')"),
        (21 | 121, _) => with_fraction("YYYY-MM-DD HH24:MI:SS"),
        // A DATETIME without a fraction is written without.
        (126 | 127, Type::DateTime) => format!(
            "(to_char({value}, 'YYYY-MM-DD\"T\"HH24:MI:SS') || CASE to_char({value}, 'MS') WHEN '000' THEN '' ELSE to_char({value}, '.MS') END)"
        ),
        (126 | 127, _) => with_fraction("YYYY-MM-DD\"T\"HH24:MI:SS"),
        (0, _) => format!(
            "(to_char({value}, 'Mon ') || lpad(to_char({value}, 'FMDD'), 2) || to_char({value}, ' YYYY ') || \
             lpad(to_char({value}, 'FMHH12'), 2) || to_char({value}, ':MIAM'))"
        ),
        _ => return Err(Stop::Shape),
    })
}

fn with_time(value: &str, digits: u8) -> String {
    match digits {
        0 => format!("to_char({value}, 'HH24:MI:SS')"),
        7 => format!("(to_char({value}, 'HH24:MI:SS.US') || '0')"),
        digits => format!("left(to_char({value}, 'HH24:MI:SS.US'), {})", digits + 9),
    }
}

/// The unit of DATEADD and DATEDIFF by its name or short name.
fn unit(name: &str) -> Option<&'static str> {
    Some(match name.to_lowercase().as_str() {
        "year" | "yy" | "yyyy" => "year",
        "quarter" | "qq" | "q" => "quarter",
        "month" | "mm" | "m" => "month",
        "week" | "wk" | "ww" => "week",
        "day" | "dd" | "d" => "day",
        "hour" | "hh" => "hour",
        "minute" | "mi" | "n" => "minute",
        "second" | "ss" | "s" => "second",
        "millisecond" | "ms" => "millisecond",
        _ => return None,
    })
}

/// DATEADD(unit, number, moment).
pub(crate) fn add(name: &str, number: &str, moment: &Sql) -> Written<Sql> {
    let interval = match unit(name).ok_or(Stop::Shape)? {
        "quarter" => "3 months".to_owned(),
        "millisecond" => "0.001 second".to_owned(),
        unit => format!("1 {unit}"),
    };
    let sum = format!("({} + {number} * INTERVAL '{interval}')", moment.text);
    let sum = if moment.kind == Some(Type::Date) { format!("CAST({sum} AS date)") } else { sum };
    Ok(Sql::new(sum, moment.kind))
}

/// DATEDIFF(unit, from, to): how many boundaries lie between.
pub(crate) fn difference(name: &str, from: &Sql, to: &Sql, kind: Type) -> Written<Sql> {
    let count = |moment: &str| {
        let moment = format!("CAST({moment} AS timestamp)");
        let part = |name: &str| format!("extract({name} FROM {moment})");
        let seconds = |of: &str, size: u32| format!("floor(extract(epoch FROM date_trunc('{of}', {moment})) / {size})");
        Some(match unit(name)? {
            "year" => part("year"),
            "quarter" => format!("({} * 4 + {})", part("year"), part("quarter")),
            "month" => format!("({} * 12 + {})", part("year"), part("month")),
            "week" => format!("floor((extract(epoch FROM date_trunc('day', {moment})) / 86400 + 4) / 7)"),
            "day" => seconds("day", 86_400),
            "hour" => seconds("hour", 3600),
            "minute" => seconds("minute", 60),
            "second" => seconds("second", 1),
            _ => format!("floor(extract(epoch FROM {moment}) * 1000)"),
        })
    };
    let (from, to) = (count(&from.text).ok_or(Stop::Shape)?, count(&to.text).ok_or(Stop::Shape)?);
    let word = if kind == Type::Int { "integer" } else { "bigint" };
    Ok(Sql::new(format!("CAST({to} - {from} AS {word})"), Some(kind)))
}

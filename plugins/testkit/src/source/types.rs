//! Values arrive as they are: the program reads text and days, so that is what is compared.

use crate::failure::{Checked, same};
use crate::look::{arrived, column_of, days, opened, scan};
use crate::{ColumnKind, Place, Value};

/// Awkward for drivers, quoting, encodings and collations.
pub(crate) const AWKWARD: &[&str] = &[
    "plain",
    "it's \"quoted\" \\ and ; -- $1 ?1 :1 %s {}",
    "tab\tline\nreturn\r\nend",
    " spaces  within and around ",
    "Zoë Łódź 東京 ελ ру عربى",
    "😀 𝒜 𠮷 👩‍👩‍👧",
    "e\u{301} é a\u{308}\u{323}",
    "\u{200b}zero\u{feff}width\u{202e}",
    "not a character: \u{fffd} \u{ffff}",
    "\u{1}\u{7f}\u{85}",
    "NULL",
    "\\N",
    "'",
    "\u{10ffff}",
];

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

/// Where the product can: for Oracle an empty text is null.
pub async fn null_and_empty_text_are_told_apart(place: &dyn Place) -> Checked {
    let found =
        arrived(place, ColumnKind::Text, &[Value::Null, Value::text(""), Value::text(" "), Value::text("x")]).await?;
    let empty = if place.facts().empty_text_is_null { None } else { Some(String::new()) };
    same("null, empty, blank and x", found, [None, empty, Some(" ".to_owned()), Some("x".to_owned())])
}

/// From the smallest to the greatest of 16, 32 and 64 bits.
pub async fn whole_numbers_of_every_size_arrive(place: &dyn Place) -> Checked {
    for (at, (kind, least, most)) in [
        (ColumnKind::SmallInteger, i64::from(i16::MIN), i64::from(i16::MAX)),
        (ColumnKind::Integer, i64::from(i32::MIN), i64::from(i32::MAX)),
        (ColumnKind::BigInteger, i64::MIN + 1, i64::MAX),
    ]
    .into_iter()
    .enumerate()
    {
        let (table, children) = (format!("typed{at}"), ["0", "1", "2", "3"].map(str::to_owned));
        let table = crate::TestTable::new(&table, &[("id", ColumnKind::Text), ("v", kind)]);
        let values = [Value::Integer(least), Value::Null, Value::Integer(0), Value::Integer(most)];
        let rows = children.iter().zip(&values).map(|(id, value)| vec![Value::text(id), value.clone()]);
        place.create(&table).await?;
        place.insert(&table, &rows.collect::<Vec<_>>()).await?;
        let mut session = opened(place, &[&table]).await?;
        session.select(&children).await?;
        let read = crate::look::scanned(session.as_mut(), &scan(place, &table.name, &["v"], &[], "id")).await?;
        let expected = [format!("0|{least}"), "1|null".to_owned(), "2|0".to_owned(), format!("3|{most}")];
        same(&format!("{kind:?}"), read.lines(), expected)?;
    }
    Ok(())
}

/// Quotes, control characters, astral and combining characters: nothing is normalised, replaced or cut.
pub async fn awkward_text_arrives_as_it_is(place: &dyn Place) -> Checked {
    let values: Vec<Value> = AWKWARD.iter().map(|text| Value::text(*text)).collect();
    same("awkward text", arrived(place, ColumnKind::Text, &values).await?, some(AWKWARD))
}

/// A case note as long as a book, beside short ones, with characters of two and four bytes.
pub async fn text_of_a_megabyte_arrives_whole(place: &dyn Place) -> Checked {
    let long = "é😀note ".repeat(100_000);
    let values = [Value::text("short"), Value::text(long.clone()), Value::Null, Value::text(long.clone())];
    let found = arrived(place, ColumnKind::LongText, &values).await?;
    let lengths: Vec<Option<usize>> = found.iter().map(|cell| cell.as_ref().map(String::len)).collect();
    same("lengths in bytes", lengths, [Some(5), Some(long.len()), None, Some(long.len())])?;
    same("the long text itself", found[1].as_deref() == Some(&long) && found[3].as_deref() == Some(&long), true)
}

/// The program trims; whether the product's padding arrives is its own affair.
pub async fn text_of_a_fixed_width_arrives_but_for_its_padding(place: &dyn Place) -> Checked {
    let found = arrived(place, ColumnKind::Char(8), &[Value::text("ab"), Value::text("é"), Value::Null]).await?;
    let found: Vec<Option<&str>> = found.iter().map(|cell| cell.as_deref().map(str::trim_end)).collect();
    same("text of a fixed width", found, [Some("ab"), Some("é"), None])
}

/// Decimals are compared without zeros at their end: 12.50 is 12.5.
fn plain(cell: &Option<String>) -> Option<String> {
    let text = cell.as_deref()?;
    Some(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }.to_owned())
}

/// No detour by a double.
pub async fn decimals_arrive_with_every_digit(place: &dyn Place) -> Checked {
    let texts = ["12.50", "-0.01", "0.00", "1234567890123.45", "-99.99"];
    let mut values: Vec<Value> = texts.iter().map(|text| Value::Number((*text).to_owned())).collect();
    values.push(Value::Null);
    let found = arrived(place, ColumnKind::Numeric { precision: 15, scale: 2 }, &values).await?;
    let mut expected: Vec<Option<String>> = some(&texts).iter().map(plain).collect();
    expected.push(None);
    same("decimals", found.iter().map(plain).collect::<Vec<_>>(), expected)
}

/// The text of a double reads back as the same double.
pub async fn doubles_arrive(place: &dyn Place) -> Checked {
    let numbers = [1.5, -0.1, 1e15, 0.0];
    let values = numbers.map(|number| Value::Number(format!("{number:?}")));
    let found = arrived(place, ColumnKind::Float, &values).await?;
    let found: Vec<Option<f64>> = found.iter().map(|cell| cell.as_deref().and_then(|text| text.parse().ok())).collect();
    same("doubles", found, numbers.map(Some))
}

async fn days_of(place: &dyn Place, kind: ColumnKind, values: &[Value]) -> Checked<Vec<String>> {
    let (table, children) = column_of(place, kind, values).await?;
    let mut session = opened(place, &[&table]).await?;
    session.select(&children).await?;
    let wanted = scan(place, "typed", &["v"], &[], "id");
    days(session.scan(&wanted).await?.as_mut(), 1).await
}

/// Before and after every epoch there is, leap days, the days around the change of calendar.
pub async fn dates_arrive_from_the_year_1_to_the_year_9999(place: &dyn Place) -> Checked {
    let texts = [
        "0001-01-01",
        "1582-10-04",
        "1582-10-15",
        "1752-09-03",
        "1899-12-31",
        "1900-01-01",
        "1900-02-28",
        "1969-12-31",
        "1970-01-01",
        "2000-01-01",
        "2000-02-29",
        "2024-02-29",
        "2026-11-20",
        "9999-12-31",
    ];
    let mut values: Vec<Value> = texts.iter().map(|text| Value::Date((*text).to_owned())).collect();
    values.push(Value::Null);
    let mut expected = texts.to_vec();
    expected.push("none");
    same("dates", days_of(place, ColumnKind::Date, &values).await?, expected)
}

/// The last moment of a day is of that day, whatever the zone of the machine or the session.
pub async fn a_timestamp_without_a_zone_keeps_its_day(place: &dyn Place) -> Checked {
    let texts = [
        "0001-01-01 00:00:00.000",
        "1900-01-01 00:00:00.000",
        "1969-12-31 23:59:59.999",
        "2026-03-29 01:30:00.000",
        "2026-06-30 23:59:59.999",
        "2026-07-01 00:00:00.000",
        "9999-12-31 23:59:59.000",
    ];
    let mut values: Vec<Value> = texts.iter().map(|text| Value::Timestamp((*text).to_owned())).collect();
    values.push(Value::Null);
    let mut expected: Vec<&str> = texts.iter().map(|text| &text[..10]).collect();
    expected.push("none");
    same("days", days_of(place, ColumnKind::Timestamp, &values).await?, expected)
}

/// Half past eleven at night in UTC is the next day in a British summer.
pub async fn a_moment_has_the_day_it_has_in_england(place: &dyn Place) -> Checked {
    let moments = [
        ("2026-06-30 22:59:59.000", "2026-06-30"),
        ("2026-06-30 23:30:00.000", "2026-07-01"),
        ("2026-01-31 23:30:00.000", "2026-01-31"),
        ("2026-10-25 00:30:00.000", "2026-10-25"),
        ("1900-01-01 12:00:00.000", "1900-01-01"),
    ];
    let mut values: Vec<Value> = moments.iter().map(|(moment, _)| Value::Moment((*moment).to_owned())).collect();
    values.push(Value::Null);
    let mut expected: Vec<&str> = moments.iter().map(|(_, day)| *day).collect();
    expected.push("none");
    same("days", days_of(place, ColumnKind::TimestampWithZone, &values).await?, expected)
}

/// What the payload definition takes flags for.
pub async fn true_and_false_arrive_as_1_and_0(place: &dyn Place) -> Checked {
    let found =
        arrived(place, ColumnKind::Boolean, &[Value::Boolean(true), Value::Boolean(false), Value::Null]).await?;
    same("flags", found, [Some("1".to_owned()), Some("0".to_owned()), None])
}

/// With hyphens, in the product's own case: in that a text column of the same SSD holds them.
pub async fn uuids_arrive_as_the_product_prints_them(place: &dyn Place) -> Checked {
    let uuid = place.facts().printed_uuid("6f9619ff-8b86-d011-b42d-00c04fc964ff");
    let found = arrived(place, ColumnKind::Uuid, &[Value::text(&uuid), Value::Null]).await?;
    same("UUIDs", found, [Some(uuid), None])
}

//! The window and the census dates, by the table of the cohort fact sheet, section 1.

use csc_bridge_core::payload::RunDates;
use csc_bridge_core::payload::day::Day;
use csc_bridge_core::payload::definition::WindowRule;
use jiff::civil::{Date, date};

const RULE: WindowRule = WindowRule { months_back: 24, days_ahead: 1 };

fn dates(run: &str) -> RunDates {
    RunDates::new(run.parse().expect("a date"), &RULE).expect("a run date")
}

#[test]
fn the_window_and_every_31_march_in_it_are_those_of_the_fact_sheet() {
    let table = [
        ("2025-12-31", "2023-04-01", "2026-01-01", vec![2024, 2025]),
        ("2026-01-01", "2023-04-01", "2026-01-02", vec![2024, 2025]),
        ("2026-02-10", "2023-04-01", "2026-02-11", vec![2024, 2025]),
        ("2026-03-29", "2023-04-01", "2026-03-30", vec![2024, 2025]),
        ("2026-03-30", "2023-04-01", "2026-03-31", vec![2024, 2025, 2026]),
        ("2026-03-31", "2023-04-01", "2026-04-01", vec![2024, 2025, 2026]),
        ("2026-04-01", "2024-04-01", "2026-04-02", vec![2025, 2026]),
        ("2026-11-20", "2024-04-01", "2026-11-21", vec![2025, 2026]),
        ("2026-12-30", "2024-04-01", "2026-12-31", vec![2025, 2026]),
        ("2026-12-31", "2024-04-01", "2027-01-01", vec![2025, 2026]),
        ("2027-01-15", "2024-04-01", "2027-01-16", vec![2025, 2026]),
        ("2027-03-31", "2024-04-01", "2027-04-01", vec![2025, 2026, 2027]),
        ("2027-04-01", "2025-04-01", "2027-04-02", vec![2026, 2027]),
        ("2028-02-29", "2025-04-01", "2028-03-01", vec![2026, 2027]),
    ];
    for (run, start, end, census) in table {
        let dates = dates(run);
        let census: Vec<Date> = census.into_iter().map(|year| date(year, 3, 31)).collect();
        assert_eq!((dates.start.to_string(), dates.end.to_string()), (start.to_owned(), end.to_owned()), "{run}");
        assert_eq!(dates.census, census, "{run}");
    }
}

#[test]
fn a_run_date_out_of_this_world_is_refused() {
    for run in ["0001-01-01", "1899-12-31", "9999-12-31"] {
        assert!(RunDates::new(run.parse().expect("a date"), &RULE).is_err(), "{run}");
    }
}

#[test]
fn a_day_is_read_with_or_without_a_time_and_from_nothing_else() {
    let good = ["2024-02-29", "2024-02-29 00:00:00", "2024-02-29T13:14:15.123Z", "2024-02-29 23:59:59.997+01:00"];
    for text in good {
        let mut printed = Vec::new();
        Day::parse(text).unwrap_or_else(|| panic!("{text}")).write(&mut printed);
        assert_eq!(printed, b"2024-02-29");
    }
    for text in [
        "2023-02-29",
        "2024-13-01",
        "2024-00-01",
        "29/02/2024",
        "2024-2-29",
        "2024-02-29x",
        "0000-01-01",
        "",
        "2024-02-29 x",
    ] {
        assert_eq!(Day::parse(text), None, "{text}");
    }
    assert!(Day::parse("0001-01-01").is_some() && Day::parse("9999-12-31").is_some());
}

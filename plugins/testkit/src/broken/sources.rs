//! Broken sources, and products, and who notices them.

use super::{Fault, PlaceFault, SourceFault, Twin};

const fn source(name: &'static str, fault: SourceFault, noticed_by: &'static [&'static str]) -> Twin {
    Twin { name, fault: Fault::Source(fault), noticed_by, without_row_locks: false }
}

const fn place(name: &'static str, fault: PlaceFault, noticed_by: &'static [&'static str]) -> Twin {
    Twin { name, fault: Fault::Place(fault), noticed_by, without_row_locks: false }
}

const fn changes(
    name: &'static str,
    change: fn(Option<&str>) -> Option<String>,
    noticed_by: &'static [&'static str],
) -> Twin {
    source(name, SourceFault::Changes(change), noticed_by)
}

fn owned(cell: Option<&str>, change: impl Fn(&str) -> String) -> Option<String> {
    cell.map(change)
}

fn as_double(text: &str) -> Option<f64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit() || b".-e".contains(&byte)))
}

/// The day before, as a faulty conversion makes it: the last digit of the day is one less.
fn a_day_off(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_date =
        bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit);
    match is_date {
        true => format!("{}{}{}", &text[..9], if bytes[9] == b'0' { '1' } else { (bytes[9] - 1) as char }, &text[10..]),
        false => text.to_owned(),
    }
}

fn without_accents(id: &str) -> String {
    id.chars().filter(|c| *c != '\u{301}').map(|c| if c == 'é' { 'e' } else { c }).collect()
}

fn without_width(id: &str) -> String {
    id.chars()
        .map(|c| if ('\u{ff01}'..='\u{ff5e}').contains(&c) { (c as u32 - 0xfee0) as u8 as char } else { c })
        .collect()
}

/// Twins of sources and of products.
pub const SOURCES: &[Twin] = &[
    source(
        "loses the last batch",
        SourceFault::LosesTheLastBatch,
        &["one_child_and_two_children_get_their_own_rows", "many_rows_all_come_and_their_number_is_attested"],
    ),
    source("attests too many", SourceFault::AttestsTooMany, &["many_rows_all_come_and_their_number_is_attested"]),
    source("swallows cuts", SourceFault::SwallowsCuts, &["a_scan_that_is_cut_off_is_an_error_and_never_complete"]),
    source(
        "delivers twice",
        SourceFault::DeliversTwice,
        &["a_row_that_reaches_a_child_by_two_partners_comes_once", "a_list_has_every_row_and_a_count_says_how_many"],
    ),
    source("delivers distinct rows", SourceFault::DeliversDistinct, &["rows_that_look_the_same_all_come"]),
    source(
        "delivers to one child",
        SourceFault::DeliversToOneChild,
        &["a_row_that_reaches_two_children_comes_for_each"],
    ),
    source("loses joined rows", SourceFault::LosesJoinedRows, &["rows_reach_their_child_by_one_join_and_by_two"]),
    source(
        "tags off by one",
        SourceFault::TagsOffByOne,
        &["one_child_and_two_children_get_their_own_rows", "each_row_of_five_thousand_children_has_its_childs_number"],
    ),
    source("puts the child last", SourceFault::ChildLast, &["all_batches_have_one_schema_with_the_child_first"]),
    source("changes its schema", SourceFault::SchemaWanders, &["all_batches_have_one_schema_with_the_child_first"]),
    source("folds case", SourceFault::Folds(|id| id.to_lowercase()), &["ids_alike_but_for_case_stay_apart"]),
    source("folds width", SourceFault::Folds(without_width), &["ids_alike_but_for_width_stay_apart"]),
    source("folds accents", SourceFault::Folds(without_accents), &["ids_alike_but_for_accents_stay_apart"]),
    source(
        "cuts ids",
        SourceFault::Folds(|id| id.chars().take(48).collect()),
        &["ids_alike_in_their_first_hundred_characters_stay_apart"],
    ),
    source("trims nothing", SourceFault::TrimsNothing, &["ids_match_without_the_white_space_of_unicode_at_their_ends"]),
    source("keeps the first set", SourceFault::KeepsTheFirstSet, &["a_new_set_takes_the_place_of_the_one_before"]),
    source(
        "ignores an empty set",
        SourceFault::KeepsTheSetBeforeAnEmptyOne,
        &["a_scan_for_no_child_is_empty_and_complete"],
    ),
    source("counts nothing", SourceFault::CountsNothing, &["a_list_has_every_row_and_a_count_says_how_many"]),
    source(
        "joins placeholders",
        SourceFault::JoinsPlaceholders,
        &["a_key_that_is_null_blank_or_a_placeholder_joins_nothing", "placeholders_are_only_texts_whatever_they_hold"],
    ),
    source(
        "has a moment for each read",
        SourceFault::ReopensForEachRead,
        &["a_session_sees_one_moment_of_all_its_tables", "a_refill_under_an_open_session_is_never_read"],
    ),
    source("reads any table", SourceFault::ReadsAnyTable, &["a_table_that_was_not_named_at_opening_is_not_read"]),
    source(
        "is empty after a drop",
        SourceFault::IsEmptyAfterADrop,
        &["after_a_dropped_stream_rows_are_right_or_refused", "a_session_dropped_in_mid_scan_leaves_the_source_usable"],
    ),
    source(
        "forgives the schema",
        SourceFault::ForgivesTheSchema,
        &["a_missing_table_is_named", "a_missing_column_is_named_with_its_table"],
    ),
    source(
        "says little",
        SourceFault::SaysLittle,
        &[
            "a_missing_table_is_named",
            "a_missing_column_is_named_with_its_table",
            "bytes_where_text_should_be_are_refused_by_name_and_not_quoted",
        ],
    ),
    source(
        "refuses odd names",
        SourceFault::RefusesOddNames,
        &[
            "hostile_names_are_only_names",
            "reserved_and_foreign_words_are_names",
            "names_that_statements_give_their_parts_are_names",
        ],
    ),
    source("cuts names", SourceFault::CutsNames, &["names_of_sixty_characters_are_not_cut"]),
    source("overlooks views", SourceFault::OverlooksViews, &["a_view_is_read_like_a_table"]),
    source("needs to write", SourceFault::NeedsToWrite, &["an_account_that_may_only_select_can_read"]),
    changes(
        "nulls become empty",
        |cell| Some(cell.unwrap_or_default().to_owned()),
        &["null_and_empty_text_are_told_apart"],
    ),
    changes(
        "loses empty text",
        |cell| cell.filter(|text| !text.trim().is_empty()).map(str::to_owned),
        &["null_and_empty_text_are_told_apart"],
    ),
    changes(
        "reads numbers by doubles",
        |cell| owned(cell, |text| as_double(text).map_or(text.to_owned(), |number| number.to_string())),
        &["whole_numbers_of_every_size_arrive", "whole_numbers_match_texts_of_them"],
    ),
    changes(
        "rounds numbers",
        |cell| owned(cell, |text| as_double(text).map_or(text.to_owned(), |number| number.round().to_string())),
        &["decimals_arrive_with_every_digit", "doubles_arrive"],
    ),
    changes(
        "prints whole numbers as decimals",
        |cell| {
            owned(cell, |text| {
                as_double(text).filter(|_| !text.contains('.')).map_or(text.to_owned(), |_| format!("{text}.0"))
            })
        },
        &["decimals_without_a_fraction_match_texts_of_them"],
    ),
    changes(
        "replaces astral characters",
        |cell| owned(cell, |text| text.chars().map(|c| if c > '\u{ffff}' { '?' } else { c }).collect()),
        &["awkward_text_arrives_as_it_is"],
    ),
    changes(
        "composes characters",
        |cell| owned(cell, |text| text.replace("e\u{301}", "é")),
        &["awkward_text_arrives_as_it_is"],
    ),
    changes(
        "cuts long text",
        |cell| owned(cell, |text| text.chars().take(4000).collect()),
        &["text_of_a_megabyte_arrives_whole"],
    ),
    changes(
        "shifts dates",
        |cell| owned(cell, a_day_off),
        &["dates_arrive_from_the_year_1_to_the_year_9999", "a_timestamp_without_a_zone_keeps_its_day"],
    ),
    changes(
        "has words for flags",
        |cell| owned(cell, |text| text.replace('1', "true").replace('0', "false")),
        &["true_and_false_arrive_as_1_and_0"],
    ),
    place(
        "pads with other than space",
        PlaceFault::PadsWithOtherThanSpace,
        &["ids_padded_to_a_fixed_width_match", "text_of_a_fixed_width_arrives_but_for_its_padding"],
    ),
    place(
        "has UUIDs in upper case",
        PlaceFault::UuidsInUpperCase,
        &["uuids_match_texts_of_them", "uuids_arrive_as_the_product_prints_them"],
    ),
    place("has moments in UTC", PlaceFault::MomentsInUtc, &["a_moment_has_the_day_it_has_in_england"]),
    place(
        "survives cuts",
        PlaceFault::SurvivesCuts,
        &["a_cut_connection_frees_the_rows_of_its_claim", "a_claim_on_a_cut_connection_is_no_longer_held"],
    ),
];

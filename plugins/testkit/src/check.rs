//! The list of checks.

use std::future::Future;
use std::pin::Pin;

use crate::failure::Checked;
use crate::{Place, source, staging};

/// What a check needs of the adapter under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// A source.
    Source,
    /// A staging.
    Staging,
}

/// What a check does, for as long as it runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = Checked> + Send + 'a>>;

/// One check: a promise of a contract, and a function that finds out whether it is kept.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its name, which is its function's, too.
    pub id: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// Runs it in an empty place.
    pub run: for<'a> fn(&'a dyn Place) -> Running<'a>,
}

impl Check {
    /// The promise, as a sentence.
    pub fn sentence(&self) -> String {
        self.id.replace('_', " ")
    }
}

macro_rules! list {
    ($needs:ident, $($group:ident :: $module:ident { $($name:ident),* $(,)? })*) => {
        &[$($(Check { id: stringify!($name), needs: Needs::$needs, run: |place| Box::pin($group::$module::$name(place)) },)*)*]
    };
}

/// What every [`Source`](csc_bridge_core::source::Source) keeps to.
pub const SOURCE: &[Check] = list!(Source,
    source::tags {
        a_scan_for_no_child_is_empty_and_complete,
        one_child_and_two_children_get_their_own_rows,
        each_row_of_five_thousand_children_has_its_childs_number,
        a_new_set_takes_the_place_of_the_one_before,
        a_list_has_every_row_and_a_count_says_how_many,
        all_batches_have_one_schema_with_the_child_first,
        many_rows_all_come_and_their_number_is_attested,
    }
    source::ids {
        ids_alike_but_for_case_stay_apart,
        ids_alike_but_for_width_stay_apart,
        ids_alike_but_for_accents_stay_apart,
        ids_alike_in_their_first_hundred_characters_stay_apart,
        ids_match_without_the_white_space_of_unicode_at_their_ends,
        ids_padded_to_a_fixed_width_match,
        whole_numbers_match_texts_of_them,
        decimals_without_a_fraction_match_texts_of_them,
        uuids_match_texts_of_them,
        a_key_that_is_null_blank_or_a_placeholder_joins_nothing,
        placeholders_are_only_texts_whatever_they_hold,
    }
    source::joins {
        rows_reach_their_child_by_one_join_and_by_two,
        a_row_that_reaches_a_child_by_two_partners_comes_once,
        a_row_that_reaches_two_children_comes_for_each,
        rows_that_look_the_same_all_come,
    }
    source::types {
        null_and_empty_text_are_told_apart,
        whole_numbers_of_every_size_arrive,
        awkward_text_arrives_as_it_is,
        text_of_a_megabyte_arrives_whole,
        text_of_a_fixed_width_arrives_but_for_its_padding,
        decimals_arrive_with_every_digit,
        doubles_arrive,
        dates_arrive_from_the_year_1_to_the_year_9999,
        a_timestamp_without_a_zone_keeps_its_day,
        a_moment_has_the_day_it_has_in_england,
        true_and_false_arrive_as_1_and_0,
        uuids_arrive_as_the_product_prints_them,
    }
    source::moment {
        a_session_sees_one_moment_of_all_its_tables,
        a_refill_under_an_open_session_is_never_read,
        a_table_that_was_not_named_at_opening_is_not_read,
    }
    source::cut {
        a_scan_that_is_cut_off_is_an_error_and_never_complete,
        after_a_dropped_stream_rows_are_right_or_refused,
        a_session_dropped_in_mid_scan_leaves_the_source_usable,
    }
    source::schema {
        a_missing_table_is_named,
        a_missing_column_is_named_with_its_table,
        bytes_where_text_should_be_are_refused_by_name_and_not_quoted,
        hostile_names_are_only_names,
        reserved_and_foreign_words_are_names,
        names_that_statements_give_their_parts_are_names,
        names_of_sixty_characters_are_not_cut,
        a_view_is_read_like_a_table,
        an_account_that_may_only_select_can_read,
    }
);

/// What every [`Staging`](csc_bridge_core::staging::Staging) keeps to.
pub const STAGING: &[Check] = list!(Staging,
    staging::prepare {
        what_is_missing_is_created_and_then_it_is_ready,
        preparing_again_changes_nothing,
        a_missing_table_that_may_not_be_created_is_named,
        a_staging_table_without_a_needed_column_is_refused_by_name,
        hostile_names_of_staging_tables_are_only_names,
    }
    staging::ledger {
        the_ledger_has_the_row_of_each_child_asked_for,
        rows_of_other_tools_are_found_by_their_trimmed_id,
        children_alike_but_for_case_have_rows_of_their_own,
        words_of_other_tools_are_read_in_any_case,
        every_key_comes_once,
        age_is_how_long_ago_a_row_was_written,
        two_rows_for_one_child_are_a_data_error_without_the_id,
    }
    staging::apply {
        nothing_one_some_and_ten_thousand_changes_are_applied,
        nothing_is_written_before_apply_nor_after_a_drop,
        the_same_changes_again_are_missed_and_write_nothing,
        a_change_of_previous_hash_is_noticed,
        a_change_of_submission_status_is_noticed,
        a_change_of_row_state_is_noticed,
        a_change_of_last_updated_is_noticed,
        a_row_that_went_is_missed,
        a_new_child_that_has_a_row_after_all_is_missed,
        without_a_document_the_row_keeps_its_own,
        a_word_that_is_not_known_is_kept,
        what_was_prepared_is_written_and_cleared,
        the_time_of_a_row_is_kept_where_a_write_does_not_touch_it,
        an_apply_that_fails_leaves_whole_transactions_and_quotes_no_id,
        an_apply_that_is_cut_off_leaves_whole_transactions_and_can_be_repeated,
        an_id_that_is_too_long_is_never_cut,
    }
    staging::documents {
        awkward_documents_come_back_with_the_same_meaning,
        a_document_of_a_megabyte_comes_back_whole,
        the_three_documents_of_a_row_are_told_apart,
    }
    staging::candidates {
        the_oldest_change_goes_first_and_errors_last,
        what_is_not_to_be_sent_is_no_candidate,
        a_row_with_an_open_intent_is_no_candidate_and_is_not_claimed,
        each_choice_has_its_own_candidates,
        of_several_rows_the_one_written_last_counts,
        an_outcome_goes_into_the_row_that_was_claimed_and_no_other,
    }
    staging::claims {
        a_claim_has_its_rows_in_the_order_asked_for,
        a_claimed_row_is_not_claimed_twice,
        a_claim_keeps_nothing_that_it_did_not_get,
        a_dropped_claim_frees_its_rows,
        two_sending_processes_never_hold_the_same_row,
        four_senders_at_once_send_each_row_exactly_once,
        a_cut_connection_frees_the_rows_of_its_claim,
        a_claim_on_a_cut_connection_is_no_longer_held,
        a_claim_is_held_until_one_of_its_rows_changes,
        stage_and_a_sender_never_both_have_a_row,
        one_process_stages_at_a_time,
    }
    staging::shards {
        four_processes_may_prepare_at_once,
        shards_of_one_number_stage_together_each_once,
        the_last_run_of_each_shard_is_found_and_kept,
    }
    staging::outcomes {
        an_accepted_row_is_sent_and_holds_what_was_sent,
        the_time_that_dfe_gives_is_kept,
        an_accepted_row_that_is_wanted_otherwise_is_to_be_sent_again,
        an_accepted_row_out_of_the_cohort_keeps_its_state_and_time,
        a_refused_row_is_an_error_with_its_reason,
        an_unusable_row_loses_its_hash,
        a_purged_row_holds_and_wants_nothing,
        a_withdrawn_row_is_never_sent,
        rows_without_an_outcome_stay_as_they_are,
        an_outcome_for_a_row_that_is_not_claimed_writes_nothing,
        only_the_intent_of_its_own_attempt_is_closed,
    }
    staging::recover {
        a_request_without_an_answer_makes_its_row_unsure_once,
        a_young_request_is_left_alone,
        the_row_of_a_living_sender_is_left_alone,
        an_unsure_child_out_of_the_cohort_is_withdrawn_and_keeps_its_time,
        what_lost_requests_mentioned_is_added_to_what_is_held,
        where_it_cannot_be_said_what_is_held_nothing_is_recovered,
        only_the_named_records_of_an_attempt_are_closed,
    }
    staging::resubmit {
        who_is_asked_for_is_sent_in_full,
        who_is_never_sent_is_not_marked,
        a_dry_look_marks_nothing,
        a_row_on_its_way_is_not_marked,
        of_several_rows_the_newest_is_marked_by_its_word_alone,
        ids_asked_for_are_exact,
        thousands_are_marked_in_their_order,
    }
    staging::logs {
        the_hash_last_accepted_is_known_until_a_request_is_lost_or_a_purge_accepted,
        the_last_run_that_finished_staging_is_found,
        the_status_counts_rows_and_shows_the_last_run,
        pruning_keeps_what_is_still_needed,
    }
);

/// All checks of databases.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    SOURCE.iter().chain(STAGING)
}

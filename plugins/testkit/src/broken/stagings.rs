//! Broken stagings, and who notices them.

use super::{Fault, StagingFault, Twin, VersionPart};

const fn staging(name: &'static str, fault: StagingFault, noticed_by: &'static [&'static str]) -> Twin {
    Twin { name, fault: Fault::Staging(fault), noticed_by, without_row_locks: false }
}

const fn without_row_locks(name: &'static str, fault: StagingFault, noticed_by: &'static [&'static str]) -> Twin {
    Twin { name, fault: Fault::Staging(fault), noticed_by, without_row_locks: true }
}

/// Twins of stagings.
pub const STAGINGS: &[Twin] = &[
    staging("forgets to prepare", StagingFault::ForgetsToPrepare, &["what_is_missing_is_created_and_then_it_is_ready"]),
    staging("creates anyway", StagingFault::CreatesAnyway, &["a_missing_table_that_may_not_be_created_is_named"]),
    staging("prepares anew", StagingFault::PreparesAnew, &["preparing_again_changes_nothing"]),
    staging(
        "overlooks columns",
        StagingFault::OverlooksColumns,
        &["a_staging_table_without_a_needed_column_is_refused_by_name"],
    ),
    staging(
        "refuses odd names of tables",
        StagingFault::RefusesOddNames,
        &["hostile_names_of_staging_tables_are_only_names"],
    ),
    staging("loses a row", StagingFault::LosesARow, &["the_ledger_has_the_row_of_each_child_asked_for"]),
    staging(
        "folds ids",
        StagingFault::FoldsIds,
        &["children_alike_but_for_case_have_rows_of_their_own", "ids_asked_for_are_exact"],
    ),
    staging("trims no ids", StagingFault::TrimsNothing, &["rows_of_other_tools_are_found_by_their_trimmed_id"]),
    staging("knows one case", StagingFault::KnowsOneCase, &["words_of_other_tools_are_read_in_any_case"]),
    staging("has keys twice", StagingFault::KeysTwice, &["every_key_comes_once"]),
    staging("is ageless", StagingFault::Ageless, &["age_is_how_long_ago_a_row_was_written"]),
    staging(
        "overlooks duplicates",
        StagingFault::OverlooksDuplicates,
        &["two_rows_for_one_child_are_a_data_error_without_the_id"],
    ),
    staging(
        "forgets to commit",
        StagingFault::ForgetsCommit,
        &["nothing_one_some_and_ten_thousand_changes_are_applied"],
    ),
    staging("writes at once", StagingFault::WritesAtOnce, &["nothing_is_written_before_apply_nor_after_a_drop"]),
    staging(
        "overwrites",
        StagingFault::Overwrites,
        &[
            "the_same_changes_again_are_missed_and_write_nothing",
            "a_row_that_went_is_missed",
            "a_new_child_that_has_a_row_after_all_is_missed",
        ],
    ),
    staging(
        "ignores previous_hash",
        StagingFault::Ignores(VersionPart::PreviousHash),
        &["a_change_of_previous_hash_is_noticed"],
    ),
    staging(
        "ignores submission_status",
        StagingFault::Ignores(VersionPart::Status),
        &["a_change_of_submission_status_is_noticed"],
    ),
    staging("ignores row_state", StagingFault::Ignores(VersionPart::RowState), &["a_change_of_row_state_is_noticed"]),
    staging(
        "ignores last_updated",
        StagingFault::Ignores(VersionPart::LastUpdated),
        &["a_change_of_last_updated_is_noticed"],
    ),
    staging(
        "always writes a document",
        StagingFault::AlwaysWritesADocument,
        &["without_a_document_the_row_keeps_its_own"],
    ),
    staging("tidies words", StagingFault::TidiesWords, &["a_word_that_is_not_known_is_kept"]),
    staging("keeps what is prepared", StagingFault::KeepsWhatIsPrepared, &["what_was_prepared_is_written_and_cleared"]),
    staging(
        "always touches",
        StagingFault::AlwaysTouches,
        &["the_time_of_a_row_is_kept_where_a_write_does_not_touch_it"],
    ),
    staging(
        "saves what it can",
        StagingFault::SavesWhatItCan,
        &["an_apply_that_fails_leaves_whole_transactions_and_quotes_no_id"],
    ),
    staging(
        "believes it applied",
        StagingFault::BelievesItApplied,
        &["an_apply_that_is_cut_off_leaves_whole_transactions_and_can_be_repeated"],
    ),
    staging("cuts ids of 48 characters", StagingFault::CutsIds, &["an_id_that_is_too_long_is_never_cut"]),
    staging("cuts documents", StagingFault::CutsDocuments, &["a_document_of_a_megabyte_comes_back_whole"]),
    staging(
        "replaces astral characters of documents",
        StagingFault::ReplacesAstral,
        &["awkward_documents_come_back_with_the_same_meaning"],
    ),
    staging("mixes documents", StagingFault::MixesDocuments, &["the_three_documents_of_a_row_are_told_apart"]),
    staging("sends the newest first", StagingFault::NewestFirst, &["the_oldest_change_goes_first_and_errors_last"]),
    staging(
        "has everything for a candidate",
        StagingFault::EverythingIsACandidate,
        &["what_is_not_to_be_sent_is_no_candidate", "a_row_with_an_open_intent_is_no_candidate_and_is_not_claimed"],
    ),
    staging(
        "has one choice",
        StagingFault::OneChoice,
        &[
            "each_choice_has_its_own_candidates",
            "of_several_rows_the_one_written_last_counts",
            "of_several_rows_the_newest_is_marked_by_its_word_alone",
        ],
    ),
    staging(
        "records into every row",
        StagingFault::RecordsIntoEveryRow,
        &["an_outcome_goes_into_the_row_that_was_claimed_and_no_other"],
    ),
    staging(
        "claims in the order of ids",
        StagingFault::ClaimsInOrderOfIds,
        &["a_claim_has_its_rows_in_the_order_asked_for"],
    ),
    staging(
        "claims without a lock",
        StagingFault::ClaimsWithoutALock,
        &["a_claimed_row_is_not_claimed_twice", "four_senders_at_once_send_each_row_exactly_once"],
    ),
    staging(
        "keeps what it asked for",
        StagingFault::KeepsWhatItAskedFor,
        &["a_claim_keeps_nothing_that_it_did_not_get"],
    ),
    staging("never frees", StagingFault::NeverFrees, &["a_dropped_claim_frees_its_rows"]),
    without_row_locks(
        "lets everybody send",
        StagingFault::LetsEverybodySend,
        &["two_sending_processes_never_hold_the_same_row"],
    ),
    without_row_locks(
        "says it holds always",
        StagingFault::AlwaysHeld,
        &["a_claim_is_held_until_one_of_its_rows_changes", "stage_and_a_sender_never_both_have_a_row"],
    ),
    staging("lets everybody stage", StagingFault::LetsEverybodyStage, &["one_process_stages_at_a_time"]),
    staging("prepares alone", StagingFault::PreparesAlone, &["four_processes_may_prepare_at_once"]),
    staging(
        "takes shards for the whole",
        StagingFault::TakesShardsForTheWhole,
        &["shards_of_one_number_stage_together_each_once"],
    ),
    staging(
        "lets every shard stage",
        StagingFault::LetsEveryShardStage,
        &["shards_of_one_number_stage_together_each_once"],
    ),
    staging("forgets shards", StagingFault::ForgetsShards, &["the_last_run_of_each_shard_is_found_and_kept"]),
    staging(
        "forgets outcomes",
        StagingFault::ForgetsOutcomes,
        &["an_accepted_row_is_sent_and_holds_what_was_sent", "a_refused_row_is_an_error_with_its_reason"],
    ),
    staging("forgets DfE's time", StagingFault::ForgetsTheTime, &["the_time_that_dfe_gives_is_kept"]),
    without_row_locks(
        "believes it is wanted",
        StagingFault::BelievesItIsWanted,
        &["an_accepted_row_that_is_wanted_otherwise_is_to_be_sent_again"],
    ),
    staging(
        "touches who left",
        StagingFault::TouchesWhoLeft,
        &[
            "an_accepted_row_out_of_the_cohort_keeps_its_state_and_time",
            "a_purged_row_holds_and_wants_nothing",
            "a_withdrawn_row_is_never_sent",
        ],
    ),
    staging("cuts reasons", StagingFault::CutsReasons, &["a_refused_row_is_an_error_with_its_reason"]),
    staging("takes unusable for refused", StagingFault::UnusableIsRefused, &["an_unusable_row_loses_its_hash"]),
    staging("takes purges for documents", StagingFault::PurgesAreDocuments, &["a_purged_row_holds_and_wants_nothing"]),
    staging("withdraws nothing", StagingFault::WithdrawsNothing, &["a_withdrawn_row_is_never_sent"]),
    staging("invents outcomes", StagingFault::InventsOutcomes, &["rows_without_an_outcome_stay_as_they_are"]),
    staging(
        "overlooks strangers",
        StagingFault::OverlooksStrangers,
        &["an_outcome_for_a_row_that_is_not_claimed_writes_nothing"],
    ),
    staging("closes all intents", StagingFault::ClosesAllIntents, &["only_the_intent_of_its_own_attempt_is_closed"]),
    staging(
        "leaves intents open",
        StagingFault::LeavesIntentsOpen,
        &["an_accepted_row_is_sent_and_holds_what_was_sent"],
    ),
    staging(
        "recovers nothing",
        StagingFault::RecoversNothing,
        &["a_request_without_an_answer_makes_its_row_unsure_once"],
    ),
    staging("recovers the young", StagingFault::RecoversTheYoung, &["a_young_request_is_left_alone"]),
    without_row_locks(
        "recovers from the living",
        StagingFault::RecoversFromTheLiving,
        &["the_row_of_a_living_sender_is_left_alone"],
    ),
    staging(
        "sends who left",
        StagingFault::SendsWhoLeft,
        &["an_unsure_child_out_of_the_cohort_is_withdrawn_and_keeps_its_time"],
    ),
    staging(
        "forgets what was mentioned",
        StagingFault::ForgetsWhatWasMentioned,
        &["what_lost_requests_mentioned_is_added_to_what_is_held"],
    ),
    staging(
        "guesses what is held",
        StagingFault::GuessesWhatIsHeld,
        &["where_it_cannot_be_said_what_is_held_nothing_is_recovered"],
    ),
    staging(
        "closes the whole attempt",
        StagingFault::ClosesTheWholeAttempt,
        &["only_the_named_records_of_an_attempt_are_closed"],
    ),
    staging(
        "resubmits nobody",
        StagingFault::ResubmitsNobody,
        &["who_is_asked_for_is_sent_in_full", "thousands_are_marked_in_their_order"],
    ),
    staging("resubmits whoever looks", StagingFault::ResubmitsWhoeverLooks, &["a_dry_look_marks_nothing"]),
    staging(
        "resubmits everybody",
        StagingFault::ResubmitsEverybody,
        &["who_is_never_sent_is_not_marked", "a_row_on_its_way_is_not_marked"],
    ),
    staging(
        "believes for ever",
        StagingFault::BelievesForEver,
        &["the_hash_last_accepted_is_known_until_a_request_is_lost_or_a_purge_accepted"],
    ),
    staging(
        "takes every run for a stage",
        StagingFault::EveryRunStaged,
        &["the_last_run_that_finished_staging_is_found"],
    ),
    staging("has an empty status", StagingFault::CountsNothing, &["the_status_counts_rows_and_shows_the_last_run"]),
    staging("prunes everything", StagingFault::PrunesEverything, &["pruning_keeps_what_is_still_needed"]),
    staging("prunes nothing", StagingFault::PrunesNothing, &["pruning_keeps_what_is_still_needed"]),
];

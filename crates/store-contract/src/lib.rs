//! The suite that every store passes: what callers of `store` may rely on, case by case.
//!
//! What it never does: look inside a store, or know one by name.
//!
//! To add a case: an async function over `Arc<dyn Store>` in the module it belongs to, and its
//! name in [`for_each_case`]. Each case gets a store of its own, empty.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a suite reports by panicking"
)]

pub mod about;
pub mod anomalies;
pub mod calls;
pub mod commits;
pub mod credentials;
pub mod events;
mod failing;
pub mod idempotency;
pub mod mails;
pub mod notices;
pub mod passkeys;
pub mod persons;
pub mod resources;
mod samples;
pub mod secrets;
pub mod sign_in;
pub mod vettings;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use store::Store;

pub use failing::{Failing, Strikes};

/// Gives every case, as `module::name,`, to the macro named.
#[macro_export]
macro_rules! for_each_case {
    ($callback:ident) => {
        $callback! {
            anomalies::a_habit_is_replaced_by_the_fold,
            anomalies::a_mark_outlives_what_is_found_later,
            anomalies::an_anomaly_that_is_found_again_gets_its_calls_added,
            anomalies::habits_of_nobody_are_dropped,
            anomalies::pages_of_anomalies_meet_and_are_filtered,
            calls::a_fold_tells_an_event_once,
            calls::counters_add_up_and_saturate,
            calls::days_and_counters_are_dropped_whole,
            calls::every_filter_finds_its_calls_and_no_others,
            calls::folding_from_another_cursor_applies_nothing,
            calls::folding_twice_counts_once,
            calls::gateways_fold_beside_each_other,
            calls::pages_of_calls_meet_without_gap_or_overlap,
            calls::a_search_looks_at_so_many_calls_for_a_page,
            calls::filters_hold_together_whatever_index_is_used,
            calls::racing_folds_apply_once,
            calls::tallies_count_the_newest_by_outcome_and_code,
            calls::charts_count_by_slots_of_time,
            calls::the_widest_values_come_back_as_they_went,
            commits::a_commit_moves_the_revision_by_one,
            commits::a_failed_commit_leaves_nothing,
            commits::a_refused_commit_leaves_nothing,
            commits::a_replaced_resource_keeps_when_it_was_made,
            commits::a_stale_base_is_refused,
            commits::events_are_linked_in_their_order,
            commits::large_write_sets_arrive_whole_and_in_order,
            commits::of_writers_from_one_base_one_wins,
            commits::sixty_four_writers_lose_nothing,
            commits::the_last_put_of_a_name_counts,
            commits::unexpected_versions_are_refused,
            credentials::a_credential_comes_back_as_it_went,
            credentials::a_credential_is_found_by_what_is_shown,
            about::what_is_kept_about_an_account_comes_back_and_goes_with_it,
            about::pages_of_records_meet_and_none_is_there_twice,
            about::a_changed_profile_overtakes_vettings,
            credentials::an_apps_credentials_come_newest_first,
            events::pages_of_events_leave_nothing_out,
            events::events_come_in_order_and_backwards,
            events::events_of_things_are_theirs_alone,
            events::readers_never_see_a_later_commit_before_an_earlier_one,
            idempotency::a_key_takes_one_answer,
            idempotency::a_key_whose_holder_died_can_be_taken_over,
            idempotency::a_key_with_another_request_is_a_mismatch,
            idempotency::an_answer_is_kept_with_the_commit_or_not_at_all,
            idempotency::of_concurrent_twins_one_goes_ahead,
            idempotency::old_keys_are_dropped,
            mails::a_mail_is_taken_by_one_and_comes_again,
            mails::a_refused_commit_writes_no_mail,
            mails::a_registration_is_found_until_it_ends,
            mails::mails_come_back_newest_first,
    passkeys::a_passkey_comes_back_as_it_went, passkeys::a_credential_is_there_once, passkeys::a_counter_only_goes_on, passkeys::a_recovery_code_is_taken_at_most_once, passkeys::a_deleted_person_leaves_no_passkey, notices::a_notice_is_kept_once_with_its_cursor, notices::pages_of_notices_have_ones_own_and_everybodys, notices::what_was_read_is_kept_and_goes_with_the_person,
            persons::a_code_is_taken_at_most_once,
            persons::a_deleted_person_leaves_no_way_in,
            persons::a_person_comes_back_as_it_went,
            persons::a_replaced_person_keeps_when_they_became_known,
            persons::an_address_has_one_person,
            persons::tries_are_bounded_for_each_principal,
            resources::deletes_come_before_puts,
            resources::everything_is_of_one_revision,
            resources::names_are_ordered_by_their_bytes,
            resources::pages_of_a_kind_hold_all_of_it_once,
            resources::thousands_of_resources_come_back_whole,
            secrets::a_secret_is_never_without_its_event,
            secrets::secrets_are_dropped_with_their_event,
            secrets::secrets_are_replaced_by_name,
            sign_in::a_link_is_taken_only_for_what_it_was_made,
            sign_in::a_person_has_sign_ins,
            sign_in::a_link_is_taken_at_most_once,
            sign_in::an_expired_link_or_sign_in_is_not_found,
            sign_in::sign_ins_are_found_until_they_end,
            vettings::a_refused_commit_leaves_vettings_alone,
            vettings::a_replaced_vetting_moves_its_version,
            vettings::a_vetting_comes_back_as_it_went,
            vettings::counting_stops_at_the_most,
            vettings::due_vettings_come_earliest_first,
            vettings::a_change_of_the_account_overtakes_its_vettings,
            vettings::pages_of_vettings_meet_without_gap_or_overlap,
            vettings::the_last_put_of_a_vetting_counts,
            vettings::vettings_go_with_their_account,
        }
    };
}

/// A case and its name.
pub type Case = (&'static str, fn(Arc<dyn Store>) -> BoxFuture<'static, ()>);

macro_rules! list {
    ($($module:ident :: $case:ident,)+) => {
        /// Every case, for backends that run them in one process.
        pub const CASES: &[Case] = &[
            $((
                concat!(stringify!($module), "::", stringify!($case)),
                |store| Box::pin($module::$case(store)),
            )),+
        ];
    };
}
for_each_case!(list);

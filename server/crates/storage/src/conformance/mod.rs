//! The suite that every engine passes: what the traits promise, area by area. An engine's own test file makes fresh
//! stores and names this suite:
//!
//! ```ignore
//! async fn fresh() -> storage::Store { … }
//! storage::conformance_suite!(fresh);
//! ```

#![expect(missing_docs, reason = "the names of the tests say what they show")]
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a step that fails is a test that fails")]

pub mod alerts;
pub mod bookings;
pub mod claims;
pub mod connections;
pub mod counters;
pub mod destinations;
pub mod effects;
pub mod erasure;
pub mod facts;
pub mod figures;
pub mod inbox;
pub mod jobs;
pub mod learned;
pub mod linked;
pub mod mappings;
pub mod order_problems;
pub mod orders;
pub mod people;
pub mod property;
pub mod reconciliations;
pub mod recycled;
pub mod replays;
pub mod reports;
pub mod rollups;
pub mod rules;
pub mod schedules;
pub mod shipments;
pub mod upgrade;
pub mod upkeep;
pub mod work;
mod world;

pub use world::{Said, World, at, seconds, text};

/// Makes every test of the suite for an engine; the argument is an async function that gives a fresh store.
#[macro_export]
macro_rules! conformance_suite {
    ($fresh:ident) => {
        $crate::conformance_area! { $fresh, inbox:
            a_message_is_kept_with_its_job
            a_repeated_delivery_is_counted_and_not_stored
            twelve_parallel_deliveries_are_one_message_and_one_job
            a_message_is_read_with_its_own_key_until_that_is_destroyed
            messages_are_paged_newest_first
            replay_reads_again
        }
        $crate::conformance_area! { $fresh, jobs:
            a_claimed_job_is_nobody_elses
            a_deferred_attempt_does_not_count_and_waits_its_time
            work_for_one_target_is_merged
            news_bring_a_failed_try_forward_but_let_it_settle
            a_clock_that_jumps_ends_no_lease_of_ones_own
            work_that_comes_during_a_lease_waits_for_its_end
            of_one_target_only_one_is_leased
            parallel_claims_never_share_a_job
            an_ended_lease_is_taken_over_and_counts_as_a_try
            only_the_owner_finishes
            a_retry_waits_and_takes_in_what_came_meanwhile
            released_and_later_do_not_count
            lanes_and_kinds_are_separate
            jobs_of_two_destinations_of_one_kind_are_claimed_apart
            an_ended_lease_of_a_destination_that_is_not_wanted_stays
            the_newest_destination_counts_where_two_for_one_target_merge
            finished_jobs_of_every_destination_are_listed_counted_and_pruned
            the_oldest_goes_first
            renewal_keeps_only_what_is_still_held
            dead_jobs_are_counted_retried_or_dropped
            that_a_failed_job_succeeded_later_outlives_what_succeeded
            attempts_are_kept_by_job_and_shipment
            figures_by_destination
            jobs_are_paged
            one_leads_until_its_lease_ends
            failed_work_inside_is_listed_too
        }
        $crate::conformance_area! { $fresh, erasure:
            a_message_speaks_of_one_shipment_or_of_others_too
            an_erased_message_has_nothing_left_to_open
            a_rewritten_message_opens_under_its_new_key_alone
            a_message_that_is_still_to_be_read_is_left
            of_a_number_that_others_have_too_a_shipment_has_its_own
            erased_shipments_are_walked
            words_errors_and_calls_are_emptied
            texts_that_may_name_anybody_are_walked_and_emptied
        }
        $crate::conformance_area! { $fresh, replays:
            failed_jobs_are_taken_up_step_by_step
            messages_are_read_again_from_where_it_was_left
            a_stopped_one_takes_nothing_more
            the_newest_are_listed_first_and_only_to_their_company
        }
        $crate::conformance_area! { $fresh, reconciliations:
            one_run_of_a_company_at_a_time
            a_step_counts_once_and_the_last_one_ends_the_run
            a_difference_opens_once_keeps_its_age_and_closes_by_itself
            what_a_run_could_not_read_stays_as_it_is
            what_a_person_keeps_stays_away_until_a_value_or_an_event_changes
            what_a_person_keeps_ends_with_its_cause_and_goes_with_the_others
            a_fix_is_requested_carried_out_and_looked_at
            the_list_is_narrowed_and_paged_oldest_first
            a_run_walks_open_shipments_those_that_ended_lately_and_those_that_are_left
            numbers_without_an_order_are_walked_with_the_order_that_had_them
            updates_that_wait_or_failed_are_known_by_their_target
        }
        $crate::conformance_area! { $fresh, alerts:
            of_one_kind_and_subject_one_is_open
            a_change_is_made_to_what_was_read
            a_notice_moves_on_once_and_is_dropped_when_it_is_not_true_any_more
            those_that_are_open_are_listed_by_severity_and_counted
            due_jobs_are_counted_by_lane_and_destination
            what_ended_long_ago_goes
            the_engine_says_its_size
        }
        $crate::conformance_area! { $fresh, schedules:
            a_schedule_is_kept_and_changed
            of_two_who_start_it_one_does_and_its_job_comes_with_it
        }
        $crate::conformance_area! { $fresh, connections:
            what_is_put_is_there_and_its_version_grows
            of_two_who_change_one_the_second_looks_again
            a_name_belongs_to_one_connection
            what_a_test_finds_is_about_the_settings_that_it_tested
            a_change_of_settings_or_secrets_closes_the_breaker
            a_connection_is_used_once_something_is_kept_under_its_name
            a_secret_is_accepted_until_it_changes
            traffic_adds_up_and_the_last_counts
            what_waits_of_a_removed_connection_ends
        }
        $crate::conformance_area! { $fresh, destinations:
            a_gate_is_open_until_something_is_kept
            a_person_pauses_and_resumes
            of_two_who_change_health_at_once_one_looks_again
        }
        $crate::conformance_area! { $fresh, facts:
            recording_twice_changes_nothing
            an_interchange_is_recorded_in_parts_that_a_stop_does_not_lose
            ids_and_codes_of_any_length_are_kept_and_found
            a_statement_stays_on_its_tracker_with_what_is_told_beside_it
            sealed_texts_come_with_the_keys_of_their_messages
            a_retraction_finds_its_event_wherever_it_hangs
            a_statement_said_twice_is_one_observation_with_two_sightings
            an_unbound_tracker_makes_an_unclaimed_shipment
            a_missing_carrier_is_filled_in
            two_carriers_with_one_number_are_two_trackers
            forms_of_one_number_are_one_shipment_whichever_comes_first
            of_two_forms_that_come_at_once_one_tracker_is_made
            a_failing_recording_leaves_nothing
            fold_jobs_coalesce
            an_observation_comes_with_where_it_was_seen
        }
        $crate::conformance_area! { $fresh, mappings:
            versions_are_published_one_after_the_other
            of_two_who_publish_at_once_one_has_to_look_again
            a_newer_reading_counts_from_when_it_was_recorded
            unmapped_codes_are_counted_until_they_are_read
            a_code_has_a_few_samples_the_newest_first
            observations_are_found_by_any_of_their_codes
            many_observations_are_found_chunk_by_chunk
            readings_of_an_older_version_are_refused
            no_company_sees_anothers
        }
        $crate::conformance_area! { $fresh, orders:
            import_is_idempotent
            each_direction_is_found
            a_claim_takes_over_the_unclaimed_shipment
            a_corrected_number_closes_its_binding
            one_container_concerns_many_orders
            deliveries_under_one_number_are_folded_with_each_other
            a_cancelled_order_stays
            what_becomes_known_of_a_delivery_amends_its_plan
            what_could_not_be_read_stays_as_it_is_stored
            what_is_of_another_customer_or_can_be_read_does_not_stay
            deliveries_that_are_not_over_are_walked_by_record
            a_person_links_one_number_of_two_carriers
            what_was_written_to_an_order_is_kept_for_each_system
        }
        $crate::conformance_area! { $fresh, shipments:
            what_was_known_at_a_time
            commit_needs_the_loaded_revision
            commit_is_all_or_nothing
            what_is_withheld_stays_so_until_it_is_told
            a_fold_gives_way_to_a_stronger_one
            what_people_decided_comes_along_with_a_claim
            state_changes_are_kept
            reviews_come_due
            a_merged_shipment_refuses_commits
            the_list_sorts_by_need_for_action
            the_list_is_paged_without_gaps
            a_tampered_cursor_begins_at_the_first_page
            shipments_are_found_by_numbers_names_prefixes_and_customers
            tabs_and_counts_agree
            changes_resume
            first_messages_of_observations
            no_company_sees_anothers
        }
        $crate::conformance_area! { $fresh, effects:
            what_the_order_system_was_told
            effects_happen_once
            an_effect_that_cannot_be_looked_up_is_started_once
            a_proof_that_never_comes_expires_and_nothing_else
            what_an_order_shows_is_set_back_unless_it_is_being_written
            what_was_written_is_set_back_unless_somebody_writes
        }
        $crate::conformance_area! { $fresh, linked:
            a_link_and_an_import_of_the_same_number_end_the_same_in_either_order
        }
        $crate::conformance_area! { $fresh, counters:
            counts_are_what_the_rows_give
            a_common_word_is_looked_for_along_the_list
        }
        $crate::conformance_area! { $fresh, order_problems:
            a_problem_is_kept_tried_again_later_and_forgotten
            more_problems_than_a_list_shows_are_all_known_and_forgotten
            problems_of_two_order_systems_are_kept_apart
        }
        $crate::conformance_area! { $fresh, bookings:
            a_booking_is_planned_once_and_saved_from_what_was_read
            bookings_are_found_by_delivery_shipment_and_phase
            a_label_is_kept_with_its_booking
            a_number_is_registered_once_for_each_connection
            registered_numbers_are_looked_at_when_their_time_comes
            what_a_person_books_is_kept_until_it_is_settled
            shipments_are_chosen_by_the_newest_label_of_a_parcel
        }
        $crate::conformance_area! { $fresh, learned:
            what_is_kept_is_added_up_once
            any_order_of_corrections_ends_in_the_same_counts
            what_is_under_way_is_walked
            a_model_is_published_and_replaced_as_a_whole
            scores_are_added_up_over_days
        }
        $crate::conformance_area! { $fresh, rollups:
            what_commits_with_a_shipment_waits_and_is_added_up_once
            a_correction_moves_a_number_and_leaves_nothing_behind
            a_commit_that_does_not_take_adds_nothing
            units_are_read_with_their_shipments_the_shortest_time_first
            what_was_counted_from_what_is_no_more_is_not_added
            a_figure_is_the_number_of_its_rows_whatever_came_in_which_order
            what_is_known_at_an_hour_is_kept_by_month_too
            shipments_of_orders_are_walked_by_what_changed
        }
        $crate::conformance_area! { $fresh, rules:
            a_rule_is_saved_from_what_was_read_and_its_versions_stay
            what_rules_did_adds_up
            a_dry_run_goes_on_step_by_step
            shipments_of_orders_are_walked
        }
        $crate::conformance_area! { $fresh, claims:
            one_open_claim_for_each_shipment_and_reason
            a_claim_is_saved_from_what_was_read
            claims_are_listed_by_deadline_and_paged
            figures_are_what_the_rows_add_up_to
            reminders_are_due_by_their_day
            files_are_kept_with_their_claim_until_they_are_erased
        }
        $crate::conformance_area! { $fresh, reports:
            annotations_are_read_by_their_days_and_removed
            a_report_is_saved_from_what_was_read
            of_two_who_begin_a_mailing_one_does
            a_mailing_moves_on_once_and_the_newest_are_kept
            reports_belong_to_their_company
        }
        $crate::conformance_area! { $fresh, recycled:
            the_next_use_gets_a_shipment_of_its_own
            shipments_that_see_the_next_use_at_once_make_one
            an_order_claims_the_parcel_of_its_own_time
            a_parcel_that_was_over_long_before_is_not_the_orders
            a_number_that_is_free_again_gets_another_shipment
        }
        $crate::conformance_area! { $fresh, work:
            exceptions_open_go_on_and_close
            the_queue_sorts_and_filters
            the_queue_is_paged_without_gaps
            people_act_and_the_fold_reads_it
            teams_snoozing_and_answers_of_other_systems
            a_team_gets_what_opens_and_has_a_queue
            what_is_not_known_is_counted_and_listed
            cases_of_episodes
            what_a_poll_sees_of_cases
            a_report_of_a_desk_is_taken_once
            figures_add_up
        }
        $crate::conformance_area! { $fresh, figures:
            every_figure_counts_the_rows_of_its_list
        }
        $crate::conformance_area! { $fresh, people:
            the_company_is_made_once
            a_login_belongs_to_one_user
            a_user_is_changed_from_what_was_read
            somebody_runs_the_installation
            sessions_end
            sessions_are_listed_and_ended
            tries_are_counted_where_they_are_asked_for
            of_parallel_tries_only_the_free_ones_go
            a_subject_keeps_its_first_key
            an_erased_customer_is_not_found_any_more
            a_setting_is_taken_once
            a_setting_changes_with_its_audit_line_or_not_at_all
            the_audit_trail_is_a_chain
            audit_lines_about_a_shipment
            the_last_resolution_of_each_exception
        }
        $crate::conformance_area! { $fresh, upkeep:
            old_bodies_go_unless_nobody_read_them
            old_calls_jobs_and_changes_go
            after_a_restore_nobody_is_signed_in_and_numbers_go_on_higher
        }
        $crate::conformance_area! { $fresh, property:
            any_order_of_messages_and_orders_gives_the_same_facts
        }
    };
}

/// Makes the tests of one area.
#[macro_export]
#[doc(hidden)]
macro_rules! conformance_area {
    ($fresh:ident, $area:ident: $($test:ident)*) => {
        mod $area {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    $crate::conformance::$area::$test(super::$fresh().await).await;
                }
            )*
        }
    };
}

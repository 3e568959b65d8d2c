"""Which workflow tests walk which path; their histories are recorded by `make histories`.

A history is a promise to the runs that are under way: code that replays it can take them over.
"""

from __future__ import annotations

from pathlib import Path

from perennial.contracts import groups, lifecycle, retention

HISTORIES = Path(__file__).parent / "histories"

ALSO = {
    "platform-paused": lifecycle.PLATFORM_WORKFLOW,
    "alias-moved": lifecycle.RECONCILE_WORKFLOW,
    "together": groups.GROUP_WORKFLOW,
    "together-again": groups.GROUP_WORKFLOW,
    "swept": retention.RETENTION_WORKFLOW,
}
"""Workflows of no model, which are recorded with a path."""

PATHS = {
    "test_a_good_model_becomes_champion_of_every_environment": "promoted",
    "test_a_version_is_trained_again_and_compared": "reproduced",
    "test_a_run_trains_with_what_its_search_found": "searched",
    "test_a_worse_model_is_denied_with_the_numbers": "denied",
    "test_one_approval_takes_it_to_production": "approved",
    "test_a_rejection_ends_the_run_with_who_and_why": "rejected",
    "test_a_question_expires_and_never_promotes": "expired",
    "test_a_champion_that_moves_meanwhile_makes_people_be_asked_again": "asked-again",
    "test_two_people_are_needed_at_high_risk_and_each_counts_once": "two-approvals",
    "test_invalid_data_names_rows_and_rule": "data-invalid",
    "test_a_cancelled_run_says_who_and_why": "cancelled",
    "test_a_run_cancelled_in_temporals_own_ui_ends_cancelled": "cancelled-in-temporal",
    "test_a_run_terminated_from_outside_does_not_hold_up_its_model": "terminated",
    "test_a_better_model_replaces_and_a_rollback_puts_back": "rolled-back",
    "test_a_version_can_be_promoted_again_by_hand": "promoted-by-hand",
    "test_a_second_run_replaces_where_the_spec_says_so": "replaced",
    "test_a_paused_model_holds_runs_and_promotions_until_resumed": "paused",
    "test_a_paused_platform_holds_runs_and_promotions_until_resumed": "platform-paused",
    "test_it_is_recorded_with_what_it_was_and_put_back": "alias-moved",
    "test_a_run_cancelled_while_its_move_waits_is_never_moved": "undone",
    "test_a_retired_model_refuses_everything": "retired",
    "test_a_canary_climbs_by_steps_and_takes_everything": "rolled-out",
    "test_a_worse_canary_is_rolled_back_with_the_numbers": "fallen",
    "test_figures_that_decide_nothing_wait_for_a_person": "ruled",
    "test_a_rollout_called_off_gives_everything_back_at_once": "called-off",
    "test_a_champion_that_gets_worse_afterwards_is_rolled_back": "guarded",
    "test_a_hotfix_calls_off_the_rollout_under_way_and_goes_on": "overtaken",
    "test_a_hotfix_is_neither_refused_nor_replaced": "hotfixes",
    "test_all_move_at_one_moment_and_go_back_at_one": "together",
    "test_who_is_cancelled_ends_it_and_who_moved_meanwhile_is_judged_again": "together-again",
    "test_who_rules_during_a_pause_is_heard_once_it_is_lifted": "held",
    "test_a_version_is_watched_on_while_a_pause_holds_its_last_move": "held-at-the-end",
    "test_windows_are_judged_one_after_another_and_drift_that_lasts_trains_again": "watched",
    "test_labels_of_day_14_roll_back_on_day_15": "taken-back",
    "test_errors_that_have_grown_are_told_and_trained_away": "grown",
    "test_labels_that_trickle_in_ask_the_policy_once": "asked-once",
    "test_a_window_waits_for_a_log_that_is_away": "log-away",
    "test_it_waits_for_labels_and_goes_back_by_those_that_come_after_it": "labelled",
    "test_after_a_standstill_the_newest_windows_are_caught_up": "labels-of-a-table",
    "test_a_schedule_follows_its_spec_and_ends_in_one_wish": "scheduled",
    "test_a_wish_that_would_learn_nothing_new_trains_nothing": "nothing-new",
    "test_what_is_old_is_removed_and_told_in_the_ledger": "swept",
}

package perennial.limits_test

import data.perennial.limits

_environments := {"development", "testing", "staging", "production"}

_tiers := {"low", "medium", "high"}

test_every_environment_has_its_limits if object.keys(limits.environments) == _environments

test_every_tier_says_how_many_approve_in_every_environment if {
	object.keys(limits.approvals.required) == _tiers
	every required in limits.approvals.required { object.keys(required) == _environments }
}

test_every_tier_says_where_it_needs_more if {
	object.keys(limits.code.committed) == _tiers
	object.keys(limits.thresholds.primary) == _tiers
	object.keys(limits.rollout.first_percent) == _tiers
	object.keys(limits.modes.enforced) == _tiers
	every action in limits.monitoring { object.keys(action) == _tiers }
}

test_production_asks_no_less_than_any_other_environment if {
	production := limits.environments.production
	every environment in limits.environments {
		production.min_test_rows >= environment.min_test_rows
		production.max_evidence_age_days <= environment.max_evidence_age_days
		production.max_parity_tolerance <= environment.max_parity_tolerance
	}
}

test_more_risk_needs_no_fewer_approvals if {
	required := limits.approvals.required
	every environment in _environments {
		required.low[environment] <= required.medium[environment]
		required.medium[environment] <= required.high[environment]
	}
}

test_more_risk_starts_with_no_larger_share if {
	first := limits.rollout.first_percent
	100 >= first.low
	first.low >= first.medium
	first.medium >= first.high
	first.high > 0
}

test_every_action_says_from_which_severity_on if {
	object.keys(limits.monitoring) == {"alert", "retrain", "roll_back", "stop_serving"}
	every action in limits.monitoring {
		every severities in action { every severity in severities { severity in _severities } }
	}
}

_severities := {"low", "high", "critical"}

test_more_risk_acts_no_later if {
	every action in limits.monitoring {
		every severity in action.low { severity in action.medium }
		every severity in action.medium { severity in action.high }
	}
}

test_what_lasts_is_never_ignored if {
	every tier in _tiers {
		every severity in ["high", "critical"] { severity in limits.monitoring.alert[tier] }
	}
}

# METADATA
# title: The limits are known
# description: Nothing is judged by limits that are not there, for this environment and risk tier.
package perennial.checks.known

import data.perennial.limits

# METADATA
# title: What has no limits
# description: One reason for each limit that data.perennial.limits does not have.
# scope: document
deny contains $"the limit {concat(".", path)} is not set; put {kind} into data.perennial.limits" if {
	some path, kind in _needed
	not _set(path, kind)
}

_set(path, kind) if _is(kind, object.get(limits, path, null))

_needed := {
	["approvals", "hotfix", _environment]: "a number",
	["approvals", "required", _tier, _environment]: "a number",
	["approvals", "roles"]: "a list",
	["clock", "max_skew_seconds"]: "a number",
	["code", "committed", _tier]: "a list",
	["environments", _environment, "max_evidence_age_days"]: "a number",
	["environments", _environment, "max_parity_tolerance"]: "a number",
	["environments", _environment, "min_test_rows"]: "a number",
	["parity", "batch_sizes"]: "a list",
	["parity", "min_batch_sizes"]: "a number",
	["thresholds", "primary", _tier]: "a list",
}

_environment := object.get(input, "environment", "")

_tier := object.get(input, "risk_tier", "")

_is("a list", value) if is_array(value)

_is("a number", value) if is_number(value)

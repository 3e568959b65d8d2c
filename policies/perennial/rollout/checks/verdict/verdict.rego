# METADATA
# title: What was seen speaks for the version
# description: |
#   At a step every assessment has to pass: time never promotes. What did not decide may be decided
#   by a person's ruling, what failed or could not be assessed may not. A champion stays until an
#   assessment fails.
package perennial.rollout.checks.verdict

import data.perennial.limits
import data.perennial.numbers

# METADATA
# title: Verdicts against it
# description: One reason for each assessment that does not pass, with its own reason in it.
# scope: document
deny contains reason if {
	not _guard
	some name, assessment in input.assessments
	_fails(assessment)
	reason := concat("", [
		$"version {input.version} fails {name} {_where}: {assessment.reason}; ",
		$"send its requests back to version {input.champion} and look for the cause",
	])
}

deny contains reason if {
	not _guard
	some name, assessment in input.assessments
	not _passes(assessment)
	not _fails(assessment)
	not _undecided(assessment)
	reason := concat("", [
		$"version {input.version} could not be judged by {name} {_where} ",
		$"({assessment.verdict}): {assessment.reason}; mend that, no ruling stands in for it",
	])
}

deny contains reason if {
	not _guard
	not _overruled
	some name, assessment in input.assessments
	_undecided(assessment)
	reason := concat("", [
		$"{name} does not decide on version {input.version} {_where} ",
		$"({assessment.verdict}): {assessment.reason}; {_rule}",
	])
}

deny contains reason if {
	not _guard
	not _passes(input)
	not _explained
	not _let_go_on
	reason := concat("", [
		$"the verdict on version {input.version} {_where} is {input.verdict}, ",
		"and no assessment says why; look at it again",
	])
}

deny contains reason if {
	_guard
	some name, assessment in input.assessments
	_fails(assessment)
	reason := concat("", [
		$"champion version {input.version} fails {name} in {input.environment}: ",
		$"{assessment.reason}; roll it back and look for the cause",
	])
}

deny contains reason if {
	_guard
	_fails(input)
	not _explained
	reason := concat("", [
		$"the verdict on champion version {input.version} in {input.environment} is fail, ",
		"and no assessment says why; roll it back and look for the cause",
	])
}

_guard if input.phase == "guard"

_passes(judged) if judged.verdict == "pass"

_fails(judged) if judged.verdict == "fail"

_undecided(judged) if judged.verdict in {"inconclusive", "no_data"}

# whose word it is, is a check of its own
_overruled if input.ruling.go_on == true

_let_go_on if {
	_undecided(input)
	_overruled
}

_explained if {
	some assessment in input.assessments
	assessment.verdict == input.verdict
}

_where := $"at {numbers.shown(input.percent)} % in {input.environment}, step {input.step} of {input.steps}"

_rule := concat(" ", [
	"time never promotes: send it more requests,",
	$"or let a person with the role {concat(" or ", limits.approvals.roles)} rule on it",
])

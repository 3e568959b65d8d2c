# METADATA
# title: The step is one of the rollout
# description: |
#   A rollout goes through its steps, never back to a smaller share, and no share of the requests is
#   judged by nothing: a canary without a guardrail is refused, and so is a version that nobody saw
#   answer. Only whether the champion may stay is asked outside of steps.
package perennial.rollout.checks.steps

import data.perennial.numbers

# METADATA
# title: Steps that are none
# description: A reason with the step or the shares that do not fit, or with what is not watched.
# scope: document
deny contains reason if {
	not _guard
	not _one_of_them
	reason := concat(" ", [
		$"step {input.step} of version {input.version} is not one of its steps 1 to {input.steps};",
		"ask about the step that it is at",
	])
}

deny contains reason if {
	not _guard
	not _grows
	reason := concat(" ", [
		$"version {input.version} has {numbers.shown(input.percent)} % of the requests",
		$"and would have {numbers.shown(input.next_percent)} % next;",
		"a rollout does not shrink: call it off instead",
	])
}

deny contains reason if {
	not _guard
	not _whole_at_most
	reason := concat(" ", [
		$"version {input.version} would have {numbers.shown(input.next_percent)} % of the requests",
		"next; put 100 % at most into the rollout's steps",
	])
}

deny contains reason if {
	not _guard
	not _dark
	not _guarded
	reason := concat(" ", [
		$"version {input.version} has {numbers.shown(input.percent)} % of the requests",
		$"in {input.environment} and no guardrail judges them;",
		"put one of errors, slow, answers and quality into the rollout's guardrails",
	])
}

deny contains reason if {
	not _guard
	_dark
	not _served
	reason := concat(" ", [
		$"nobody saw whether version {input.version} is served in {input.environment}:",
		"there is no assessment served; look whether every process has loaded it",
	])
}

_guard if input.phase == "guard"

_one_of_them if {
	numbers.at_least(input.step, 1)
	numbers.at_most(input.step, input.steps)
}

_grows if numbers.at_least(input.next_percent, input.percent)

_whole_at_most if numbers.at_most(input.next_percent, 100)

_dark if input.percent == 0

_guarded if {
	some name, _ in input.assessments
	not name in {"served", "split"}
}

_served if input.assessments.served

# METADATA
# title: The ruling is somebody's who may rule
# description: |
#   A person who decides what figures did not has a role that may approve, and is neither the author
#   nor whoever asked for the run. A champion stays or goes by figures alone.
package perennial.rollout.checks.ruling

import data.perennial.limits

# METADATA
# title: Rulings that do not count
# description: A reason with the person, for each thing that stands against the ruling.
# scope: document
deny contains reason if {
	_there
	not _may_rule
	reason := concat("", [
		$"{input.ruling.by} may not rule on version {input.version}: a role of ",
		$"{concat(" or ", limits.approvals.roles)} is needed; ask somebody who has one",
	])
}

deny contains reason if {
	_there
	not _not_the_author
	reason := concat("", [
		$"{input.ruling.by} may not rule on version {input.version}, being its author; ",
		"ask somebody else",
	])
}

deny contains reason if {
	_there
	not _not_the_requester
	reason := concat("", [
		$"{input.ruling.by} may not rule on version {input.version}, having asked for its run; ",
		"ask somebody else",
	])
}

deny contains reason if {
	_there
	not _goes_on
	reason := concat("", [
		$"{input.ruling.by} ruled that version {input.version} does not go on from step ",
		$"{input.step} of {input.steps} in {input.environment}; its requests go back to version ",
		$"{input.champion}",
	])
}

deny contains reason if {
	_there
	input.phase == "guard"
	reason := concat("", [
		$"{input.ruling.by} ruled on champion version {input.version}, which stays or goes by ",
		"figures alone; ask without the ruling",
	])
}

_there if input.ruling != null

_may_rule if {
	some role in input.ruling.roles
	role in limits.approvals.roles
}

_not_the_author if {
	is_string(input.ruling.by)
	input.ruling.by != input.author
}

_not_the_requester if {
	is_string(input.ruling.by)
	input.ruling.by != input.requester
}

_goes_on if input.ruling.go_on == true

# METADATA
# title: The data passed validation
# description: The snapshot that the version was trained on was checked, and no check was broken.
package perennial.checks.validation

import data.perennial.numbers

# METADATA
# title: Data not valid
# description: A reason with the broken checks, or that there were none to break.
# scope: document
deny contains $"the data did not pass validation: {_broken}" if not _passed

deny contains "the data was not checked: validation ran no check" if not _checked

_passed if input.evidence.validation.passed == true

_checked if numbers.at_least(input.evidence.validation.checks, 1)

default _broken := "no details"

_broken := concat("; ", messages) if {
	messages := [violation.message | some violation in input.evidence.validation.violations]
	count(messages) > 0
}

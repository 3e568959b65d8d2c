# METADATA
# title: Enough rows were held out
# description: A metric of a handful of rows says little.
package perennial.checks.rows

import data.perennial.limits
import data.perennial.numbers

# METADATA
# title: Too few rows
# description: A reason with the number of held-out rows and the number that is needed.
# scope: document
deny contains $"{_held_out} held-out rows are fewer than the {_needed} needed in {input.environment}" if {
	not _enough
}

_held_out := input.evidence.test_rows

_needed := limits.environments[input.environment].min_test_rows

_enough if numbers.at_least(_held_out, _needed)

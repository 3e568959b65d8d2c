# METADATA
# title: The ONNX file answers as the trained model did
# description: Compared on several batch sizes, within a tolerance that the environment allows.
package perennial.checks.parity

import data.perennial.limits
import data.perennial.numbers

# METADATA
# title: Parity not shown
# description: A reason for each way in which the comparison failed or was too weak.
# scope: document
deny contains reason if {
	not _same_answers
	reason := concat(" ", [
		"the ONNX file answers differently from the trained model:",
		$"by {numbers.shown(_parity.max_abs_diff)}, and {numbers.shown(_parity.tolerance)} is tolerated",
	])
}

deny contains reason if {
	not _strict_enough
	reason := concat(", ", [
		$"ONNX parity was measured with the tolerance {numbers.shown(_parity.tolerance)}",
		$"and {input.environment} allows {numbers.shown(_max_tolerance)}",
	])
}

deny contains reason if {
	not _sizes_enough
	reason := concat(", ", [
		$"ONNX parity was measured on the batch sizes {_parity.batch_sizes}",
		$"and {limits.parity.min_batch_sizes} different ones are needed",
	])
}

deny contains $"ONNX parity was not measured on the batch size {size}" if {
	some size in limits.parity.batch_sizes
	not _measured_on(size)
}

_parity := input.evidence.parity

_max_tolerance := limits.environments[input.environment].max_parity_tolerance

_same_answers if {
	_parity.passed == true
	numbers.at_most(_parity.max_abs_diff, _parity.tolerance)
}

_strict_enough if numbers.at_most(_parity.tolerance, _max_tolerance)

_sizes_enough if {
	sizes := {size | some size in _parity.batch_sizes; numbers.at_least(size, 1)}
	numbers.at_least(count(sizes), limits.parity.min_batch_sizes)
}

_measured_on(size) if size in _parity.batch_sizes

# METADATA
# title: Facts
# description: |
#   What each kind of fact in a question looks like. Nothing that is missing, null or of another
#   type is of any kind.
package perennial.facts

import data.perennial.numbers

# METADATA
# title: Holds
# description: The value is of this kind.
# scope: document
holds("a SHA-256 digest", value) if regex.match(`^[0-9a-f]{64}$`, value)

holds("a count", value) if {
	numbers.at_least(value, 0)
	value == floor(value)
}

holds("a list", value) if is_array(value)

holds("a list of drift and quality", value) if {
	is_array(value)
	every item in value { item in {"drift", "quality"} }
}

holds("a name", value) if {
	is_string(value)
	value != ""
}

holds("a number from 0 on", value) if numbers.at_least(value, 0)

holds("a sentence", value) if {
	is_string(value)
	value != ""
}

holds("a severity", value) if value in {"none", "low", "high", "critical"}

holds("a text", value) if is_string(value)

holds("a time", value) if time.parse_rfc3339_ns(value)

holds("a verdict", value) if value in {"pass", "fail", "inconclusive", "error", "no_data"}

holds("an object", value) if is_object(value)

holds("maximize or minimize", value) if value in {"maximize", "minimize"}

holds("monitoring", value) if value == "monitoring"

holds("promotion", value) if value == "promotion"

holds("rollout", value) if value == "rollout"

holds("step or guard", value) if value in {"step", "guard"}

holds("true or false", value) if is_boolean(value)

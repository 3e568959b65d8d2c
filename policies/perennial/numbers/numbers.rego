# METADATA
# title: Numbers
# description: |
#   Comparisons that hold for numbers only, and numbers as people read them. Rego orders values of
#   different types (null < 1 < "a"), so a bare `<=` would let null pass every upper bound.
package perennial.numbers

# METADATA
# title: At least
# description: Both are numbers, and the value is not below the bound.
# scope: document
at_least(value, bound) if {
	is_number(value)
	is_number(bound)
	value >= bound
}

# METADATA
# title: At most
# description: Both are numbers, and the value is not above the bound.
# scope: document
at_most(value, bound) if {
	is_number(value)
	is_number(bound)
	value <= bound
}

# METADATA
# title: Shown
# description: A number with six decimals at most, or as it is where that would leave nothing.
# scope: document
shown(value) := $"{round(value * 1000000) / 1000000}" if abs(value) >= 0.001

shown(value) := $"{value}" if {
	abs(value) < 0.001
	value != 0
}

shown(value) := "0" if value == 0

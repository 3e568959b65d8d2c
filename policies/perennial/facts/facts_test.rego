package perennial.facts_test

import data.perennial.facts

_examples := {
	"a SHA-256 digest": "0000000000000000000000000000000000000000000000000000000000000000",
	"a count": 3,
	"a list": [],
	"a list of drift and quality": ["quality"],
	"a name": "ada",
	"a number from 0 on": 0.5,
	"a sentence": "errors: 0.00 %",
	"a severity": "low",
	"a text": "",
	"a time": "2026-03-02T12:00:00Z",
	"a verdict": "no_data",
	"an object": {},
	"maximize or minimize": "minimize",
	"monitoring": "monitoring",
	"promotion": "promotion",
	"rollout": "rollout",
	"step or guard": "guard",
	"true or false": false,
}

test_each_kind_is_known_by_an_example if {
	every kind, value in _examples { facts.holds(kind, value) }
}

test_nothing_is_of_no_kind if {
	every kind, _ in _examples { not facts.holds(kind, null) }
}

test_the_wrong_type_is_not_of_the_kind if {
	every kind in object.keys(_examples) - {"a list"} { not facts.holds(kind, [_examples[kind]]) }
	not facts.holds("a list", "[]")
}

test_a_count_is_whole_and_not_negative if {
	not facts.holds("a count", 1.5)
	not facts.holds("a count", -1)
}

test_other_words_are_none_of_ours if {
	every kind in _of_certain_words { not facts.holds(kind, "tomorrow") }
	not facts.holds("a list of drift and quality", ["drift", "tomorrow"])
}

_of_certain_words := [
	"a severity",
	"a time",
	"a verdict",
	"maximize or minimize",
	"monitoring",
	"promotion",
	"rollout",
	"step or guard",
]

test_a_kind_that_is_not_known_holds_for_nothing if not facts.holds("a colour", "red")

# METADATA
# title: The evidence belongs to the version
# description: |
#   What was measured is the very model and version that is to be promoted, and the champion's
#   metrics are those that whoever approves the evidence has seen.
package perennial.checks.belongs

# METADATA
# title: Evidence of something else
# description: One reason each for the model, the version and the champion, where they differ.
# scope: document
deny contains $"the evidence is of model {input.evidence.model}, not of {input.model}" if not _same_model

deny contains reason if {
	not _same_version
	reason := $"the evidence is of version {input.evidence.version}, not of version {input.version}"
}

deny contains $"the metrics of champion version {input.champion.version} are not those in the evidence" if {
	input.champion != null
	not _same_champion
}

_same_model if input.evidence.model == input.model

_same_version if input.evidence.version == input.version

_same_champion if input.champion.metrics == input.evidence.champions[$"{input.champion.version}"]

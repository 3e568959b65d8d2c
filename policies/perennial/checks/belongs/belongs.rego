# METADATA
# title: The evidence belongs to the version
# description: What was measured is the very model and version that is to be promoted.
package perennial.checks.belongs

# METADATA
# title: Evidence of something else
# description: One reason for the model and one for the version, where they differ.
# scope: document
deny contains $"the evidence is of model {input.evidence.model}, not of {input.model}" if not _same_model

deny contains reason if {
	not _same_version
	reason := $"the evidence is of version {input.evidence.version}, not of version {input.version}"
}

_same_model if input.evidence.model == input.model

_same_version if input.evidence.version == input.version

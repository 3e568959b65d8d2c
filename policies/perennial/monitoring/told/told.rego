# METADATA
# title: Told
# description: What the newest windows say, as a part of a reason.
package perennial.monitoring.told

# METADATA
# title: Seen
# description: |
#   What they say together, and in brackets what the newest one says by itself, where it says
#   anything.
# scope: document
seen(watched) := $"{watched.reason} ({watched.newest})" if _speaks(watched)

seen(watched) := watched.reason if not _speaks(watched)

_speaks(watched) if watched.newest != ""

"""What each record of the log of requests begins with."""

HEAD = (
    ("at", "d"),
    ("seconds", "f"),
    ("rows", "i"),
    ("request_id", "i"),
    ("entity", "i"),
    ("named", "?"),
)
"""Names, and codes of `struct` without alignment. Behind it come how many bytes each input of texts
has, what the variant was asked, what it answered, and last the id and the entity."""

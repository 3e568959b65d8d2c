"""A model's card: what a version is, for people, as Markdown and as one page of HTML.

Source: Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from perennial.card.known import Known
from perennial.card.making import as_html, as_markdown
from perennial.card.page import POLICY

__all__ = ["POLICY", "Known", "as_html", "as_markdown"]

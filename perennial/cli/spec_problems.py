"""What is wrong in a spec, as compilers say it: place, message, and the line itself."""

from __future__ import annotations

from rich.text import Text

from perennial.cli.render import console
from perennial.connection import ApiError
from perennial.documents import SpecProblem


def complain(file: str, content: bytes, error: ApiError) -> None:
    """Print every problem of a spec to stderr."""
    err = console(stderr=True)
    lines = content.decode("utf-8", "replace").splitlines()
    problems = error.problem.get("problems") or []
    for problem in problems:
        # No wrapping: editors and terminals make links of `file:line:column`.
        err.print(_headline(file, problem), soft_wrap=True)
        number = problem.get("line")
        if number and number <= len(lines):
            err.print(_excerpt(lines[number - 1], number, problem.get("column") or 1))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        err.print(f"[bold red]error:[/] {count} in {file}; nothing was applied")
    else:
        err.print(Text.assemble(("error: ", "bold red"), f"{file}: {error}"))


def _headline(file: str, problem: SpecProblem) -> Text:
    place = ":".join(
        str(part) for part in (file, problem.get("line"), problem.get("column")) if part
    )
    line = Text.assemble((place, "bold"), ": ")
    if field := problem.get("field"):
        line.append(f"{field}: ", "cyan")
    line.append(f"expected {problem.get('expected', 'something else')}")
    if (got := problem.get("got")) not in (None, ""):
        line.append(f", got {got!r}" if not isinstance(got, str) else f", got {got}")
    return line


def _excerpt(line: str, number: int, column: int) -> Text:
    margin = f"{number:>6} | "
    below = " " * (len(margin) - 2) + "| " + " " * (column - 1)
    return Text.assemble((margin, "dim"), line, "\n", (below, "dim"), ("^", "bold red"))

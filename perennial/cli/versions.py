"""Versions and their evidence: what a person looks at before saying yes."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from perennial.cli.render import facts, number, table, when
from perennial.documents import Approval, Json, Metrics


def listed(versions: list[Json]) -> Table:
    """Versions, one a row."""
    return table(
        ("v#", "made", "author", "run", "champion in~", "metrics"),
        (
            (
                str(version["version"]),
                when(version.get("created_at")),
                version["author"],
                version["run_id"],
                ", ".join(version["champion_in"]),
                "  ".join(
                    f"{name} {number(value)}"
                    for name, value in (version.get("metrics") or {}).items()
                ),
            )
            for version in versions
        ),
    )


def one(out: Console, version: Json) -> None:
    """A version with its evidence, and where it is registered."""
    evidence = version["evidence"] or {}
    out.print(
        facts(
            (
                ("version", Text(f"{version['model']} {version['version']}", style="bold")),
                ("made by", f"run {version['run_id']}, for {version['author']}"),
                ("champion in", ", ".join(version["champion_in"]) or None),
                *(evidence_facts(evidence) if evidence else ()),
                ("evidence", version["evidence_digest"] or "none yet"),
            )
        )
    )
    if evidence:
        out.print()
        out.print(metrics_table(evidence["metrics"], evidence.get("champions") or {}))


def judged(out: Console, approval: Approval, version: Json) -> None:
    """What is asked, and the evidence that the answer is about."""
    evidence = version["evidence"]
    given = [
        f"{vote['by']} says {'yes' if vote['approve'] else 'no'}" for vote in approval["votes"]
    ]
    out.print(
        facts(
            (
                ("model", Text(approval["model"], style="bold")),
                ("version", f"{approval['version']}, made by run {version['run_id']}"),
                ("environment", Text(approval["environment"], style="bold")),
                ("author", approval["author"]),
                ("votes", f"{approval['required']} needed; " + (", ".join(given) or "none yet")),
                *evidence_facts(evidence),
                ("evidence", version["evidence_digest"]),
            )
        )
    )
    out.print()
    out.print(metrics_table(evidence["metrics"], evidence.get("champions") or {}))
    out.print()


def metrics_table(metrics: Metrics, champions: dict[str, Metrics]) -> Table:
    """Metrics of a version, and of each champion on the very same rows, with the difference."""
    names = sorted(champions, key=int)
    rows = []
    for metric, value in metrics.items():
        row = [metric, number(value)]
        for name in names:
            theirs = champions[name].get(metric)
            row += ["-", ""] if theirs is None else [number(theirs), _difference(value - theirs)]
        rows.append(row)
    columns = ["metric", "this#"]
    for name in names:
        columns += [f"champion v{name}#", "difference#"]
    made = table(columns, rows)
    made.columns[-1].no_wrap = True
    return made


def _difference(value: float) -> str:
    text = f"{value:+.4f}"
    return "same" if float(text) == 0 else text


def evidence_facts(evidence: Json) -> list[tuple[str, str]]:
    """Data, rows, parity and code, in a line each."""
    validation, parity, code = evidence["validation"], evidence["parity"], evidence["code"]
    word = "passed" if validation["passed"] else "FAILED"
    return [
        ("data", f"{validation['rows']:,} rows {word} {validation['checks']} checks"),
        ("tested on", f"{evidence['test_rows']:,} held-out rows, {when(evidence['produced_at'])}"),
        (
            "ONNX",
            f"{'agrees' if parity['passed'] else 'DIFFERS'}: at most "
            f"{parity['max_abs_diff']:.1e} from the trained model",
        ),
        ("code", f"{code['project']}, digest {code['source_digest'][:12]}{_commit(code)}"),
        *((("searched", _searched(evidence["search"])),) if evidence.get("search") else ()),
        *((("trained with", _installed(code)),) if code.get("installed") else ()),
    ]


def _commit(code: Json) -> str:
    if not code.get("git_commit"):
        return ""
    return f", commit {code['git_commit'][:12]}{' with changes' if code['dirty'] else ''}"


def _searched(search: Json) -> str:
    best = search["best"]
    params = ", ".join(f"{name} {value}" for name, value in best["params"].items())
    tried = search["finished"] + search["stopped"] + search["failed"]
    kept = best["scores"][(best.get("kept_epoch") or 0) - 1]
    score = f"{search['metric']} {number(kept)}"
    return f"{params}: {score} in trial {best['number']}, the best of {tried}"


def _installed(code: Json) -> str:
    installed = code["installed"]
    libraries = ", ".join(f"{name} {known}" for name, known in installed["libraries"].items())
    lock = f", lock {code['lock_digest'][:12]}" if code.get("lock_digest") else ""
    return f"Python {installed['python']} on {installed['machine']}, {libraries}{lock}"

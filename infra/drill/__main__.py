"""`python -m infra.drill`: kill each process in the middle of each stage, on a stack of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from rich.console import Console

from infra.drill.drill import LIMIT_SECONDS, Drill
from infra.drill.plan import PROCESSES, STAGES, Cell, cells
from infra.drill.receiver import Receiver
from infra.drill.results import Result
from infra.drill.table import line, table
from infra.stack import Stack
from infra.toolchain import ToolMissing
from perennial.cli import exits
from perennial.contracts.errors import PerennialError


def main() -> int:
    """Drill what was asked for, and say by the exit code whether all came to the same end."""
    arguments = _parser().parse_args()
    # with --json, stdout is for the document alone
    out = Console(highlight=False, soft_wrap=True, stderr=arguments.json)
    try:
        chosen = cells(arguments.stages, arguments.processes)
        results = drill(chosen, out, keep=arguments.keep)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return exits.USAGE
    except (PerennialError, ToolMissing) as error:
        print(f"error: {error}", file=sys.stderr)
        return exits.FAILED
    except KeyboardInterrupt:
        print("\ninterrupted; the drill's stack is gone", file=sys.stderr)
        return exits.INTERRUPTED
    out.print(table(results))
    green = sum(result.green for result in results)
    out.print(f"{green} of {len(results)} came to the same end as an undisturbed life")
    if arguments.json:
        print(json.dumps({"cells": [asdict(result) for result in results]}, indent=2))
    return exits.OK if green == len(results) else exits.DIFFERS


def drill(chosen: Sequence[Cell], out: Console, *, keep: bool = False) -> list[Result]:
    """Drill the cells on a stack that is made for it, and gone afterwards.

    Args:
        chosen: the cells, those of one process one after another.
        out: told of each cell as it ends.
        keep: leave the stack's folder, with its records and logs.
    """
    results: list[Result] = []
    with _receiver() as receiver, _stack(keep, out, receiver) as stack:
        the_drill = Drill(stack, receiver)
        try:
            for _, those in groupby(chosen, key=lambda cell: cell.process):
                fresh = []
                for result in the_drill.run(those):
                    out.print(line(result))
                    fresh.append(result)
                results += the_drill.settled(fresh)
        finally:
            the_drill.close()
    return results


@contextmanager
def _receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


@contextmanager
def _stack(keep: bool, out: Console, receiver: Receiver) -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="perennial-drill-"))
    channels = folder / "channels.yaml"
    channels.touch(mode=0o600)
    channels.write_text(json.dumps(receiver.channels))  # which is YAML, too
    stack = Stack(folder, Stack.free_ports(), die_with=os.getpid())
    try:
        stack.up(timeout=LIMIT_SECONDS)
        yield stack
    finally:
        if keep:
            stack.down()
            out.print(f"kept {folder}")
        else:
            stack.clean()


def _names(text: str) -> Collection[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perennial drill", description=__doc__)
    parser.add_argument(
        "--stages",
        type=_names,
        default=STAGES,
        metavar="A,B",
        help=f"only these: {', '.join(STAGES)}",
    )
    parser.add_argument(
        "--processes",
        type=_names,
        default=PROCESSES,
        metavar="X,Y",
        help=f"only these: {', '.join(PROCESSES)}",
    )
    parser.add_argument("--keep", action="store_true", help="keep the stack's records and logs")
    parser.add_argument("--json", action="store_true", help="print JSON on stdout, progress beside")
    return parser


if __name__ == "__main__":
    sys.exit(main())

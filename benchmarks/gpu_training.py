"""Samples a second on a GPU, beside a plain loop of torch; in full precision and in bfloat16.

`python -m benchmarks.gpu_training` on a machine with a GPU; elsewhere it says that there is none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from activities.modelling.projects import load_project
from activities.modelling.training.loop import prepare
from benchmarks.plain_training import Work, paired
from benchmarks.results import Row, row
from benchmarks.training import read
from perennial.authoring import Source

LEAST = 0.95
_REPEATS = 5
_EPOCHS, _BATCH = 5, 8192


def run() -> list[Row]:
    """Rows: samples a second of ours as a share of the plain loop's. Needs a GPU."""
    spec = read("flights")
    project = load_project(spec.project)
    frame = project.own.load(Source.model_validate(spec.source.model_dump()))
    plan = spec.training.model_copy(
        update={
            "epochs": _EPOCHS,
            "batch_size": _BATCH,
            "params": {"layers": 2, "hidden": 512},
        }
    )
    prepared = prepare(frame, project, spec.task, plan)
    rows = []
    for precision in ("full", "mixed"):
        training = plan.model_copy(update={"precision": precision})
        work = Work(project, prepared, spec.task, training, device="cuda")
        ours, plain = paired(work, _REPEATS)
        rows.append(
            row(
                f"flights on {torch.cuda.get_device_name()}, {precision} precision",
                work.samples / ours,
                "samples/s",
                peer="a plain loop of torch in full precision",
                peer_value=work.samples / plain,
                target=LEAST if precision == "full" else None,
                at_least=True,
            )
        )
    return rows


def main() -> int:
    """Measure and keep; 0 where there is no GPU, since nothing was missed."""
    if not torch.cuda.is_available():
        print("there is no GPU here that torch can use: nothing was measured")
        return 0
    from benchmarks import results

    found = run()
    print(Path(results.write("gpu-training", found)).read_text())
    return int(any(each.met is False for each in found))


if __name__ == "__main__":
    sys.exit(main())

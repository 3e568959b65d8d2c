"""What a training of several workers says when one of them fails, whatever Ray Train says."""

from __future__ import annotations

import threading

import pytest

from activities.ray_tasks.job import Failure, Job, Progress
from activities.ray_tasks.training_job import TrainingJob
from perennial.contracts.errors import ProjectInvalid, TrainingDiverged
from perennial.contracts.spec import Training
from perennial.contracts.training import TrainModel
from tests import samples


class Failing(TrainingJob):
    """Two of its workers fail, one after the other, and then Ray Train does."""

    def __init__(self) -> None:
        self.over = threading.Event()
        asked = TrainModel(
            run_id="r",
            model="m",
            project="p:P",
            task="binary",
            snapshot=samples.snapshot(),
            training=Training(workers=2),
            author="ada",
        )
        job = Job(input=asked, blob_url="file:///nowhere", unattended_seconds=3600)
        super().__init__(job.model_dump_json())

    def _train(self) -> None:
        for error in (
            ProjectInvalid("train() raised KeyError, line 7"),
            TrainingDiverged("the loss became nan"),
        ):
            self.worker_failed(Failure.of(error).model_dump_json())
        raise RuntimeError("a worker group has failed")

    def _run(self) -> None:
        super()._run()
        self.over.set()


def test_the_first_failure_of_several_workers_is_the_trainings() -> None:
    job = Failing()
    assert job.over.wait(10)
    progress = Progress.model_validate_json(job.progress(0))
    assert progress.phase == "failed" and progress.failure
    with pytest.raises(ProjectInvalid, match=r"KeyError, line 7"):
        raise progress.failure.as_error()

"""What each training worker runs, in-process or on its own."""

from __future__ import annotations

import time
from typing import Protocol

from activities.checkpoint_files import CheckpointFiles, Reached
from activities.modelling.data.snapshots import read_rows
from activities.modelling.models.candidates import built, checked, keep_weights, kind_of
from activities.modelling.projects import load_project
from activities.modelling.training.checkpoints import Checkpoints
from activities.modelling.training.loop import Loop, Share, prepare
from activities.ray_tasks.job import Job, Made
from activities.training_key import key_of
from perennial.blobs import BlobStore
from perennial.contracts.training import Epoch


class Watcher(Protocol):
    """Who wants to know, and may say stop."""

    def ended(self, epoch: Epoch) -> None:
        """A pass over the rows ended."""

    def resumed(self, reached: Reached) -> None:
        """The training goes on from what a process before this one kept."""

    def noted(self, note: str) -> None:
        """Something people should know while it goes on; empty: no more."""

    def stopping(self) -> bool:
        """Whether to stop. Cheap: asked for every batch."""


def train(job: Job, watcher: Watcher, *, distributed: bool = False) -> Made | None:
    """Train, and keep weights and preprocessing.

    Returns:
        What was made; None on every worker but the first.

    Raises:
        Stopped: the watcher said so.
        PerennialError: as of the project, the data or the loss.
    """
    import torch

    began = time.monotonic()
    asked = job.input
    torch.set_num_threads(asked.training.cpus_per_worker)
    blobs = BlobStore(job.blob_url)
    project = load_project(asked.project)
    frame = read_rows(blobs.get(asked.snapshot.data), project.features().columns)
    prepared = prepare(frame, project, asked.task, asked.training)
    given = built(project, prepared.preprocessing, asked.training)
    key = key_of(asked, project.source_digest)
    if (kind := kind_of(given)) != "network":
        from activities.modelling.training.table_training import train_table

        checkpoints = _checkpoints(job, key, watcher, Share(), began)
        weights, parity = train_table(
            given,
            kind,
            asked,
            project,
            prepared,
            frame,
            blobs,
            ended=watcher.ended,
            stopping=watcher.stopping,
            checkpoints=checkpoints,
        )
        return Made(
            kind=kind,
            weights=weights,
            parity=parity,
            preprocessing=blobs.put_bytes(prepared.preprocessing.to_bytes()),
            code=project.identity(),
            train_rows=len(prepared.rows.train),
            test_rows=len(prepared.rows.test),
            seconds=checkpoints.seconds,
            device="cpu",
        )
    del frame  # nothing but tensors is needed from here on
    network = checked(given, project, prepared.preprocessing)
    device = "cuda" if asked.training.gpus_per_worker and torch.cuda.is_available() else "cpu"
    share, model = Share(), network.to(device)
    if distributed:
        import ray.train
        import ray.train.torch

        context = ray.train.get_context()
        share = Share(context.get_world_rank(), context.get_world_size())
        device = str(ray.train.torch.get_device())
        model = ray.train.torch.prepare_model(network)

    def ended(epoch: Epoch) -> None:
        if share.rank == 0:
            watcher.ended(epoch)
        if distributed:  # workers wait for each other here; one alone has nobody to wait for
            ray.train.report({"epoch": epoch.epoch, "loss": epoch.loss})

    checkpoints = _checkpoints(job, key, watcher, share, began)
    loop = Loop(
        model,
        prepared,
        asked.task,
        asked.training,
        ended=ended,
        stopping=watcher.stopping,
        share=share,
        checkpoints=checkpoints,
        device=device,
    )
    with project.calling("train"):
        project.own.train(loop)
    kept_epoch = loop.end()
    if share.rank != 0:
        return None
    return Made(
        weights=keep_weights(blobs, network),
        preprocessing=blobs.put_bytes(prepared.preprocessing.to_bytes()),
        code=project.identity(),
        train_rows=len(prepared.rows.train),
        test_rows=len(prepared.rows.test),
        seconds=checkpoints.seconds,
        device=device,
        kept_epoch=kept_epoch,
    )


def _checkpoints(job: Job, key: str, watcher: Watcher, share: Share, began: float) -> Checkpoints:
    """The first worker chooses which one all of them begin with, and alone keeps new ones."""
    files = CheckpointFiles(job.blob_url, job.input.run_id, key)
    first = share.rank == 0
    newest = files.newest() if first else None
    if share.workers > 1:
        from ray.train.collective import broadcast_from_rank_zero

        newest = broadcast_from_rank_zero(newest)

    def resumed(reached: Reached) -> None:
        if first:
            watcher.resumed(reached)

    return Checkpoints(
        files,
        job.input.training.checkpoint_every,
        began=began,
        begin_with=newest,
        writes=first,
        resumed=resumed,
        noted=watcher.noted,
    )

"""Many watched models in a stack: their specs by the model's own workflow, the rest as a run would
have left it, and a log of requests as the data plane writes it."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import func
from sqlmodel import col, select
from temporalio.client import Client

from activities.modelling.data.profiles import profile_frame
from activities.modelling.requests.frames import answer_columns
from api.asking import ask_model
from api.db.monitoring_tables import WindowRow
from api.db.store import Store
from benchmarks.serving import model as files
from infra.stack import Stack
from perennial.blobs import BlobStore
from perennial.canonical import digest
from perennial.contracts import ids, lifecycle, queues, records
from perennial.contracts.base import BlobRef
from perennial.contracts.data import Column, DatasetSnapshot, DataValidation, ReferenceProfile
from perennial.contracts.policy import Evidence
from perennial.contracts.request_log import RequestLog
from perennial.contracts.serving import WHOLE, Deployment, Variant
from perennial.contracts.spec import ModelSpec
from perennial.contracts.training import CodeIdentity, ExportedModel, Parity, TrainedModel
from perennial.settings import Settings
from serving.log_files import LogFiles
from serving.model import Model
from serving.pages import Page, Whose
from serving.records import Area, Records

HOUR = timedelta(hours=1)
COLUMNS = files.SMALL.columns
_REFERENCE_ROWS = 10_000
_LOG_BYTES = 16 * 1024 * 1024
_PARITY = Parity(passed=True, batch_sizes=(1,), rows=1, max_abs_diff=0.0, tolerance=1e-5)


class Fleet:
    """Models that differ by their names: all have one file, and one reference."""

    def __init__(self, stack: Stack, rows: int) -> None:
        """Make what they have in common.

        Args:
            stack: in whose records and blobs they are.
            rows: of what is logged at once.
        """
        # the log's address as the stack's own processes read it
        settings = Settings(state_dir=stack.config.layout.state_dir)
        self.store = Store.open(settings.database)
        self._blobs = BlobStore(settings.blobs)
        self._log = LogFiles(settings.requests, "bench")
        folder = stack.config.layout.state_dir
        path = folder / "bench.onnx"
        files.write(files.SMALL, path)
        self._model = Model(path)
        self._onnx = self._blobs.put(path)
        self._asked = files.rows(files.SMALL, rows)
        self._answered = self._model.answer({files.INPUT: self._asked})
        self._know(folder)

    def _know(self, folder: Path) -> None:
        """What was learnt from: other rows of the same kind."""
        rows = np.random.default_rng(1).normal(0, 1, (_REFERENCE_ROWS, COLUMNS)).astype(np.float32)
        frame = pd.DataFrame(rows, columns=[f"f{column}" for column in range(COLUMNS)])
        kept = io.BytesIO()
        frame.to_parquet(kept)
        now = datetime.now(UTC)
        answers = answer_columns(self._model.answer({files.INPUT: rows}), self._model.classes)
        self._snapshot = self._blobs.put_bytes(kept.getvalue())
        self._reference = self._blobs.put_bytes(profile_frame(frame, now, "reference"))
        self._answers = self._blobs.put_bytes(profile_frame(answers, now, "reference"))

    async def apply(self, client: Client, model: str, **plan: Any) -> None:
        """Give a model its spec, as the API does it: it has a workflow of its own afterwards."""
        await ask_model(
            client,
            lifecycle.ModelState(model=model),
            lifecycle.APPLY_SPEC,
            lifecycle.ApplySpec(
                request_id=uuid.uuid4().hex, actor="bench", spec=_spec(model, plan)
            ),
            lifecycle.SpecApplied,
        )

    def crown(self, model: str, since: datetime) -> None:
        """Make a version of it, which is champion since then."""
        run = f"{model}-1"
        snapshot = _snapshot(model, self._snapshot, since)
        code = CodeIdentity(project="nowhere:Nothing", source_digest="a" * 64)
        self.store.record_run(
            records.RecordRun(
                effect=f"{run}/requested",
                run_id=run,
                model=model,
                kind="lifecycle",
                spec_version=1,
                actor="bench",
                reason="",
                status="running",
                at=since,
            )
        )
        self.store.record_snapshot(
            records.RecordSnapshot(
                effect=f"{run}/snapshot",
                run_id=run,
                snapshot=snapshot,
                profile=ReferenceProfile(
                    blob=self._reference, rows=_REFERENCE_ROWS, columns=COLUMNS
                ),
            )
        )
        self.store.record_version(
            records.RecordVersion(
                effect=f"{run}/version",
                run_id=run,
                model=model,
                author="bench",
                snapshot=snapshot,
                trained=_trained(code, self._onnx),
                exported=ExportedModel(
                    onnx=self._onnx, opset=17, inputs=(), outputs=(), parity=_PARITY
                ),
                at=since,
            )
        )
        known = Evidence(
            model=model,
            version=1,
            run_id=run,
            snapshot=snapshot.digest,
            profile=self._reference.sha256,
            onnx=self._onnx.sha256,
            code=code,
            params={},
            validation=DataValidation(passed=True, rows=_REFERENCE_ROWS, checks=1),
            metrics={"roc_auc": 0.8},
            test_rows=1000,
            parity=_PARITY,
            answers=self._answers,
            produced_at=since,
        )
        self.store.record_evidence(
            records.RecordEvidence(
                effect=f"{run}/evidence", evidence=known, evidence_digest=digest(known)
            )
        )
        self.store.move_champion(
            records.MoveChampion(
                effect=f"{run}/champion",
                model=model,
                environment="production",
                version=1,
                expected_epoch=0,
                cause="promotion",
                actor="bench",
                reason="",
                at=since,
            )
        )

    def log(self, model: str, at: datetime) -> None:
        """Requests of a moment, in one file."""
        champion = Variant(name="champion", version=1, onnx=self._onnx, weight=WHOLE)
        deployment = Deployment(
            model=model,
            environment="production",
            epoch=1,
            log=RequestLog(event_time="header", keep="400d"),
            variants=(champion,),
        )
        of = Whose(deployment, champion, False, self._model.inputs, self._model.classes)
        records = Records(Area(bytearray(_LOG_BYTES)))
        kept = records.keep(
            at=at.timestamp(),
            seconds=0.001,
            named=False,
            request_id=f"{at:%d-%H:%M:%S}".encode(),
            entity=None,
            inputs={files.INPUT: self._asked},
            answer=self._answered,
        )
        assert kept
        self._log.write(Page(of, records))

    def judged(self, until: datetime) -> tuple[int, int]:
        """Windows that end by then, were judged and answered; and those of them with requests."""
        with self.store.database.reading() as session:
            counted = session.exec(
                select(func.count(), func.count().filter(col(WindowRow.rows) > 0)).where(
                    col(WindowRow.end) <= until, col(WindowRow.action).is_not(None)
                )
            ).one()
        return counted[0], counted[1]


async def reconcile(client: Client) -> None:
    """One round that looks whether all is watched that is to be, beside the schedule's own."""
    await client.execute_workflow(
        lifecycle.RECONCILE_WORKFLOW, id=f"round-{uuid.uuid4().hex[:8]}", task_queue=queues.CONTROL
    )


async def hold_rounds(client: Client, held: bool) -> None:
    """Keep the schedule from starting monitors while what they watch is made, or let it again."""
    handle = client.get_schedule_handle(ids.RECONCILE_WORKFLOW)
    await (handle.pause() if held else handle.unpause())


def _spec(model: str, plan: dict[str, Any]) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "model": model,
            "project": "nowhere:Nothing",
            "task": "binary",
            "source": {"uri": "rows"},
            "metrics": {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.7}]},
            "owners": ["bench@example.org"],
            "environments": ["production"],
            "request_log": {"event_time": "header", "keep": "400d"},
            "monitoring": plan,
        }
    )


def _snapshot(model: str, data: BlobRef, at: datetime) -> DatasetSnapshot:
    return DatasetSnapshot(
        digest=data.sha256,
        model=model,
        data=data,
        rows=_REFERENCE_ROWS,
        columns=tuple(Column(name=f"f{column}", type="double") for column in range(COLUMNS)),
        source_uri="rows",
        taken_at=at,
    )


def _trained(code: CodeIdentity, any_: BlobRef) -> TrainedModel:
    return TrainedModel(
        weights=any_,
        preprocessing=any_,
        code=code,
        epochs=(),
        train_rows=_REFERENCE_ROWS,
        test_rows=1000,
        seconds=1.0,
        device="cpu",
        mlflow_run_id="none",
    )

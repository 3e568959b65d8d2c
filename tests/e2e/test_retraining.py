"""A wish to train again, on the whole real stack: followed where there is something to learn."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.test_bad_input import spec_of
from tests.people import People, good_rows, write_points


def test_rows_that_were_learnt_are_not_learnt_again(people: People, tmp_path: Path) -> None:
    data = write_points(tmp_path, good_rows(400))
    limits = {"cooldown": "1s", "back_off": "1s", "storm": 1000}
    spec = spec_of(data, "Boosted", retraining=limits)
    model = spec["model"]
    people.apply(spec)
    assert people.run(model)["outcome"] == "promoted"

    wish = people.engineer.retrain(model, reason="it has drifted")
    assert wish["run_id"] is not None, wish["governed"]["reason"]
    run = people.finished(wish["run_id"])
    assert (run["outcome"], run["version"]) == ("denied", None)
    assert "version 1 learnt from the same rows" in run["reason"]
    assert str(data) in run["reason"] and "start a run by hand" in run["reason"]
    assert [stage["stage"] for stage in run["stages"]] == ["snapshot"], "nothing was trained"
    # who starts a run by hand has a reason
    assert people.run(model)["version"] == 2

    write_points(tmp_path, good_rows(600))
    wish = people.engineer.retrain(model, reason="it has drifted", new_data=True)
    assert wish["run_id"] is not None, wish["governed"]["reason"]
    assert people.finished(wish["run_id"])["version"] == 3

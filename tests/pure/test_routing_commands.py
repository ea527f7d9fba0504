"""The commands that simulate and that tell how many agents it takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from routing.core.scenario import read
from routing.core.simulation import run
from routing.core.simulation_answer import Tally


def _scenario(**changes: Any) -> dict[str, Any]:
    """Poisson traffic of 100/h x 180 s on 7 agents, and what a test changes in it."""
    queue = {"name": "calls", "arrivals_per_hour": 100, "handle_seconds": {"dist": "exponential", "mean": 180}}
    whole = {"seed": 3, "contacts": 1500, "queues": [queue], "agents": [{"count": 7, "queues": ["calls"]}]}
    return whole | changes


def _run(form: dict[str, Any]) -> Tally:
    return run(read(form))


def _queues(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {queue["name"]: queue for queue in _run(form).answer()["queues"]}


def test_the_command_prints_the_answer_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(_scenario(contacts=500)))
    call_command("simulate", str(file))
    printed = json.loads(capsys.readouterr().out)
    assert printed == _run(_scenario(contacts=500)).answer()
    call_command("simulate", str(file), "--table")
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["calls", "500"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "must be a mapping"),
        ('{"seed": NaN}', "NaN is no number"),
    ],
)
def test_the_command_refuses_what_it_cannot_read(tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("simulate", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("simulate", str(tmp_path / "none.json"))


def test_the_staffing_command_tells_both_laws(capsys: pytest.CaptureFixture[str]) -> None:
    call_command(
        "staffing", "--per-hour", "200", "--handle", "180", "--shrinkage", "0.3", "--patience", "120", "--json"
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["erlang_c"]["agents"], found["erlang_c"]["scheduled"]) == (14, 20)
    assert [row["enough"] for row in found["erlang_a"]["table"]] == [False, True, True]
    call_command("staffing", "--per-hour", "200", "--handle", "180", "--shrinkage", "0.3")
    assert "14 agents at work, 20 on the schedule" in capsys.readouterr().out
    with pytest.raises(CommandError, match="Shrinkage"):
        call_command("staffing", "--per-hour", "200", "--handle", "180", "--shrinkage", "30")


def test_the_scenario_of_the_handbook_runs() -> None:
    chapter = (
        (Path(__file__).resolve().parents[2] / "docs" / "routing.md").read_text().split("## What if: simulation")[1]
    )
    form = json.loads(chapter.split("```json")[1].split("```")[0])
    found = _queues(form)
    assert set(found) == {"calls", "french"}
    assert found["french"]["overflowed"] > 0
    for figure in found["calls"]:
        assert f"`{figure}`" in chapter or figure == "name"

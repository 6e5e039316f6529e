"""The GitHub Action: its steps, run as a runner does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from test_baseline import OLD, recorded

ROOT = Path(__file__).parent.parent
ACTION: Any = YAML(typ="safe").load(ROOT / "action.yml")
STEPS = {step.get("id", step.get("uses")): step for step in ACTION["runs"]["steps"]}

__all__ = ["recorded"]


def run_step(name: str, temporary: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a step in bash, as GitHub's runner does."""
    script = temporary / "step.sh"
    script.write_text(STEPS[name]["run"])
    given = {
        **{key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")},
        "RUNNER_TEMP": str(temporary),
        "GITHUB_OUTPUT": str(temporary / "output"),
        "GITHUB_STEP_SUMMARY": str(temporary / "summary"),
        "GITHUB_ACTION_PATH": str(ROOT),
        **env,
    }
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    return subprocess.run(words, env=given, capture_output=True, text=True, check=False, cwd=temporary)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The runner's folder for temporary files, with the command installed as the step before does."""
    command = tmp_path / "mcp-sampling" / "bin" / "mcp-sampling-conformance"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m mcp_sampling_conformance "$@"\n')
    command.chmod(0o755)
    return tmp_path


def judged(temporary: Path, recorded: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    given = {"TARGET": str(recorded), "ROLE": "transcript", "BASELINE": "", "REVISIONS": "", "OPTIONS": "", **inputs}
    return run_step("judge", temporary, **given)


def test_what_a_job_gets(temporary: Path, recorded: Path) -> None:
    run = judged(temporary, recorded, REVISIONS=f"{OLD}", OPTIONS="--strict --side 'server'")
    assert run.returncode == 1, run.stderr
    outputs = dict(line.split("=") for line in (temporary / "output").read_text().splitlines())
    report = json.loads(Path(outputs["report"]).read_text())
    assert (report["run"]["options"]["--mcp-side"], report["summary"]["fail"]) == ("server", 1)
    assert "<!doctype html>" in Path(outputs["html"]).read_text()
    assert Path(outputs["summary"]).read_text() in (temporary / "summary").read_text()
    assert "::error title=max-tokens/integer" in run.stdout
    assert set(outputs) == set(ACTION["outputs"])


def test_known_failures_and_bad_inputs(temporary: Path, recorded: Path) -> None:
    (temporary / "known.yml").write_text("server: [max-tokens/integer]\n")
    assert judged(temporary, recorded, BASELINE="known.yml").returncode == 0
    nowhere = judged(temporary, recorded, TARGET="$(touch made); no/where")
    assert (nowhere.returncode, (temporary / "made").exists()) == (4, False)


def test_inputs_are_never_part_of_a_script() -> None:
    for step in STEPS.values():
        assert "${{" not in step.get("run", "")
    env = STEPS["judge"]["env"]
    assert {value.removeprefix("${{ inputs.").removesuffix(" }}") for value in env.values()} == set(
        ACTION["inputs"]
    ) - {"artifact"}

"""Every recorded case of kustomize's own tests gives the same bytes through Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kustomize_py import BuildError, Rendered, build

import conformance
import yaml_reader

DIRECTORY = conformance.directory()
CASES = list(conformance.cases(DIRECTORY)) if DIRECTORY.is_dir() else []


def helm() -> str | None:
    """Return helm 3: on PATH, or where `go install` puts it."""
    found = shutil.which("helm")
    if found or not shutil.which("go"):
        return found
    asked = subprocess.run(["go", "env", "GOPATH"], capture_output=True, text=True, check=False)
    return shutil.which("helm", path=str(Path(asked.stdout.strip()) / "bin"))


HELM = helm()


def test_the_cases_are_there() -> None:
    if not CASES:
        pytest.skip(f"there are no recorded cases in {DIRECTORY} (KUSTOMIZE_CONFORMANCE names another place)")
    assert len(CASES) > 600


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: conformance.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.needs_helm and HELM is None:
        pytest.skip("it runs helm 3, which is not on PATH")
    if HELM is not None:
        monkeypatch.setenv("PATH", str(Path(HELM).parent), prepend=os.pathsep)
    root = tmp_path.resolve() / "case-root"
    entry = case.lay_out(root)
    monkeypatch.chdir(root)
    if case.expected is None:
        with pytest.raises(BuildError) as caught:
            build(entry, **case.options())
        assert caught.value.message
        return
    rendered = build(entry, **case.options())
    text = rendered.yaml.replace(str(root), case.placeholder) if case.placeholder else rendered.yaml
    assert conformance.mask(text) == conformance.mask(case.expected.read_bytes().decode())
    data_is_what_the_text_says(rendered)


def data_is_what_the_text_says(rendered: Rendered) -> None:
    read = yaml_reader.read(rendered.yaml)
    # PyYAML takes what Go prints as `1e+21` for a text.
    if "e+" not in rendered.yaml and "e-" not in rendered.yaml:
        assert rendered.resources == read
    assert [resource["kind"] for resource in rendered] == [resource["kind"] for resource in read]

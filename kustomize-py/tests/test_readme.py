"""The README's Python does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import kustomize_py

README = (Path(__file__).parents[1] / "README.md").read_text()
BASE = "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\n"
FILES = {
    "base/kustomization.yaml": "resources: [web.yaml]\n",
    "base/web.yaml": BASE,
    "overlays/staging/kustomization.yaml": "namePrefix: staging-\nresources: [../../base]\n",
    "overlays/production/kustomization.yaml": "commonLabels: {a: b}\nresources: [../../base]\n",
    "overlays/broken/kustomization.yaml": "labels:\n- pairs: {a: b}\n  images: []\n",
}


@pytest.fixture
def _overlays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_overlays")
def test_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    names: dict[str, object] = {"paths": ["overlays/staging", "overlays/broken"]}
    for block in blocks:
        exec(block, names)
    printed = capsys.readouterr().out
    assert "Deployment web\n" in printed
    assert "warning: 'commonLabels' is deprecated" in printed
    assert "error: unknown field `images` in `labels[0]`" in printed
    assert "unknown field `images` in `labels[0]`" in README


@pytest.mark.parametrize("option", kustomize_py.BuildOptions.__annotations__)
def test_options_are_listed_and_known(option: str) -> None:
    assert f"`{option}`" in README
    with pytest.raises(TypeError, match=rf"option '{option}' must be"):
        kustomize_py.build("/", files={}, **{option: object()})  # type: ignore[arg-type]


def test_exceptions_are_listed() -> None:
    for name in kustomize_py.__all__:
        if name.endswith("Error"):
            assert re.search(rf"\b{name}\b", README), name

"""Builds: from directories, from files in memory, many at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import pytest

import kustomize_py
from kustomize_py import build, build_many

import yaml_reader


class Somewhere:
    """A path that is no `Path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return os.fspath(self.path)


OVERLAYS = ["apps/overlays/staging", "apps/overlays/production", "generators/overlay", "diamond/top"]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("kind", [str, Path, Somewhere])
def test_output_is_that_of_kustomize(fixtures: Path, overlay: str, kind: Any) -> None:
    expected = (fixtures / overlay / "kustomization.snap.yaml").read_bytes()
    rendered = build(kind(fixtures / overlay))
    assert rendered.yaml.encode() == expected
    assert str(rendered) == rendered.yaml


def test_a_relative_path_starts_in_the_working_directory(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fixtures / "apps")
    assert build("overlays/staging").yaml == build(fixtures / "apps/overlays/staging").yaml


@pytest.mark.parametrize("path", ["app", "/app", "base/../app/.", PurePosixPath("app")])
def test_files_in_memory(small: dict[str, str | bytes], path: str | PurePosixPath) -> None:
    assert build(path, files=small).yaml == (
        "apiVersion: v1\nkind: Service\nmetadata:\n"
        "  name: staging-web\n  namespace: shop\nspec:\n  ports: []\n"
    )


def test_content_may_be_bytes(small: dict[str, str | bytes]) -> None:
    as_bytes = {f"/{name}": str(content).encode() for name, content in small.items()}
    assert build("app", files=as_bytes).yaml == build("app", files=small).yaml


def test_binary_content_reaches_generators() -> None:
    files: dict[str, str | bytes] = {
        "kustomization.yaml": "configMapGenerator:\n- name: c\n  files: [logo.png]\n",
        "logo.png": b"\x89PNG\xff\x00",
    }
    assert build("/", files=files)[0]["binaryData"] == {"logo.png": "iVBOR/8A"}


def test_files_may_be_any_mapping(small: dict[str, str | bytes]) -> None:
    assert len(build("app", files=MappingProxyType(small))) == 1


def test_nothing_of_this_machine_is_seen_from_memory(fixtures: Path) -> None:
    with pytest.raises(kustomize_py.FileError):
        build(fixtures / "apps/base", files={})


def test_data_is_what_a_yaml_reader_makes_of_the_text(fixtures: Path) -> None:
    for overlay in [*OVERLAYS, "order", "patches"]:
        rendered = build(fixtures / overlay)
        assert rendered.resources == yaml_reader.read(rendered.yaml), overlay


def test_numbers_have_the_types_that_the_text_has() -> None:
    files = {
        "kustomization.yaml": "resources: [r.yaml]\n",
        "r.yaml": "kind: A\napiVersion: a/v1\nmetadata: {name: a}\n"
        "spec: {a: 1.0, b: 1.5, c: 0x1F, d: 18446744073709551615, e: yes, f: ~, g: 2001-01-01, h: true}\n",
    }
    spec = build("/", files=files)[0]["spec"]
    assert spec == {
        "a": 1,
        "b": 1.5,
        "c": 31,
        "d": 18446744073709551615,
        "e": "yes",
        "f": None,
        "g": "2001-01-01T00:00:00Z",
        "h": True,
    }
    assert [type(value) for value in spec.values()] == [
        int, float, int, int, str, type(None), str, bool,
    ]  # fmt: skip


class TestMany:
    def test_results_are_in_the_order_asked_for(self, fixtures: Path) -> None:
        paths = [fixtures / overlay for overlay in OVERLAYS] * 5
        assert [rendered.yaml for rendered in build_many(paths)] == [build(path).yaml for path in paths]

    def test_of_files_in_memory(self, small: dict[str, str | bytes]) -> None:
        first, second = build_many(iter(["app", "base"]), files=small)
        assert (first[0]["metadata"]["name"], second[0]["metadata"]["name"]) == ("staging-web", "web")

    def test_none_at_all(self) -> None:
        assert build_many([]) == []

    def test_the_first_error_is_raised(self, fixtures: Path) -> None:
        with pytest.raises(kustomize_py.InputError, match="unknown field `images`"):
            build_many([fixtures / "apps/base", fixtures / "apps/overlays/broken", "nowhere"])

    def test_errors_among_the_results(self, fixtures: Path) -> None:
        paths: list[str | Path] = ["nowhere", fixtures / "apps/base", fixtures / "apps/overlays/broken"]
        missing, rendered, broken = build_many(paths, return_exceptions=True)
        assert isinstance(missing, kustomize_py.FileError)
        assert isinstance(rendered, kustomize_py.Rendered)
        assert isinstance(broken, kustomize_py.InputError)
        assert len(rendered) == 3

    def test_options_hold_for_all(self, small: dict[str, str | bytes]) -> None:
        for rendered in build_many(["app", "base"], files=small, add_managed_by_label=True):
            assert "app.kubernetes.io/managed-by" in rendered[0]["metadata"]["labels"]

    @pytest.mark.parametrize("paths", ["app", 3, [3], None, [b"app"]])
    def test_paths_of_wrong_types(self, paths: Any) -> None:
        with pytest.raises(TypeError):
            build_many(paths)


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_build_that_is_begun_again_runs_its_programs_once(tmp_path: Path) -> None:
    helm = tmp_path / "helm"
    helm.write_text(
        "#!/bin/sh\n"
        f'echo "$1" >> "{tmp_path}/log"\n'
        "case $1 in\n"
        "version) echo v3.9.0 ;;\n"
        "template) printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata:\\n  name: a\\n' ;;\n"
        "esac\n"
    )
    helm.chmod(0o755)
    (tmp_path / "charts/web").mkdir(parents=True)
    (tmp_path / "charts/web/values.yaml").write_text("{}\n")
    (tmp_path / "kustomization.yaml").write_text("helmCharts: [{name: web}]\n")
    assert len(build(tmp_path, enable_helm=True, helm_command=str(helm))) == 1
    assert (tmp_path / "log").read_text().split() == ["version", "template"]

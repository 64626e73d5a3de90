"""Exceptions: which, and what they say."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import kustomize_py
from kustomize_py import BuildError, KustomizeError, build

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"


def failure(files: dict[str, str | bytes], path: str = "/", **options: bool) -> BuildError:
    with pytest.raises(BuildError) as caught:
        build(path, files=files, **options)  # type: ignore[arg-type]
    return caught.value


def test_the_hierarchy() -> None:
    for leaf in ("InputError", "FileError", "NotAllowedError", "ExternalError"):
        assert issubclass(getattr(kustomize_py, leaf), BuildError)
    assert issubclass(BuildError, KustomizeError)
    assert issubclass(kustomize_py.InternalError, KustomizeError)
    assert not issubclass(kustomize_py.InternalError, BuildError)
    assert kustomize_py.FileError.__module__ == "kustomize_py"


def test_an_unknown_field() -> None:
    error = failure({"k/kustomization.yaml": "resources: [a.yaml]\nimages:\n- nam: x\n"}, "k")
    assert type(error) is kustomize_py.InputError
    assert (error.file, error.line, error.column) == ("k/kustomization.yaml", 3, 3)
    assert error.kind == "kustomization"
    assert error.hint is not None
    assert "name" in error.hint
    assert error.args == (error.message,)
    assert str(error) == error.text
    assert str(error).splitlines()[:2] == [
        f"error: {error.message}",
        " --> k/kustomization.yaml:3:3",
    ]


def test_a_missing_file_names_the_line_that_asks_for_it() -> None:
    error = failure({"base/kustomization.yaml": "resources: [gone.yaml]\n",
                     "app/kustomization.yaml": "namePrefix: a-\nresources:\n- ../base\n"}, "app")  # fmt: skip
    assert (error.file, error.line, error.column) == ("base/kustomization.yaml", 1, 13)
    assert [(note.file, note.line) for note in error.chain][-1] == ("app/kustomization.yaml", 3)


def test_a_resource_is_named() -> None:
    files: dict[str, str | bytes] = {
        "kustomization.yaml": "resources: [a.yaml]\npatches:\n- target: {kind: Pod}\n"
        "  patch: |-\n    - {op: remove, path: /spec/nothing}\n",
        "a.yaml": POD,
    }
    error = failure(files)
    assert type(error) is kustomize_py.InputError
    assert error.kind == "patch"
    assert error.resource == "Pod a"
    assert error.file == "kustomization.yaml"


def test_a_conflict_names_both_places() -> None:
    error = failure({"kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "a.yaml": POD, "b.yaml": POD})
    assert error.kind == "conflict"
    assert {error.file, *(note.file for note in error.notes)} >= {"a.yaml", "b.yaml"}


def test_notes_are_shown_as_they_are_made() -> None:
    note = kustomize_py.Note("here", "a.yaml", 3, 1)
    assert repr(note) == "Note(message='here', file='a.yaml', line=3, column=1)"
    assert eval(repr(note), vars(kustomize_py)) == note


def test_no_file_to_name(tmp_path: Path) -> None:
    with pytest.raises(kustomize_py.FileError) as caught:
        build(tmp_path / "nowhere")
    assert caught.value.line is None
    assert "nowhere" in str(caught.value)


@pytest.mark.parametrize(
    "kustomization",
    [
        "resources: [../../outside.yaml]\n",
        "resources: ['https://example.invalid/a.yaml']\n",
        "helmCharts: [{name: a, repo: 'https://example.invalid'}]\n",
    ],
)
def test_what_is_not_allowed(kustomization: str) -> None:
    error = failure({"a/b/kustomization.yaml": kustomization, "outside.yaml": POD}, "a/b")
    assert isinstance(error, kustomize_py.NotAllowedError), repr(error)


@pytest.mark.parametrize(
    ("kustomization", "option"),
    [
        ("resources: [../../outside.yaml]\n", 'load_restrictor="none"'),
        ("resources: ['https://example.invalid/a.yaml']\n", "enable_remote=True"),
        ("helmCharts: [{name: a, repo: 'https://example.invalid'}]\n", "enable_helm=True"),
        ("transformers: [outside.yaml]\n", "enable_plugins=True"),
    ],
)
def test_what_would_allow_it_is_named_as_python_names_it(kustomization: str, option: str) -> None:
    error = failure(
        {"a/b/kustomization.yaml": kustomization, "outside.yaml": POD, "a/b/outside.yaml": POD}, "a/b"
    )
    assert option in str(error.hint)
    assert (error.file, error.line) in {("a/b/kustomization.yaml", 1), ("a/b/outside.yaml", 1)}


def test_a_program_that_fails(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("helmCharts: [{name: a, repo: 'https://example.invalid'}]\n")
    with pytest.raises(BuildError) as caught:
        build(tmp_path, enable_helm=True, helm_command="/nowhere/helm")
    assert "helm" in str(caught.value)


def test_errors_can_be_pickled() -> None:
    error = failure({"kustomization.yaml": "nope: 1\n"})
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.args, again.__dict__) == (error.args, error.__dict__)

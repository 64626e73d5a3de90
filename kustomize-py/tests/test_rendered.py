"""The result of a build."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from kustomize_py import BuildWarning, Rendered, build


def pod(name: str, namespace: str | None = None) -> str:
    line = f", namespace: {namespace}" if namespace else ""
    return f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}{line}}}\n"


@pytest.fixture
def rendered() -> Rendered:
    text = pod("a", "one") + pod("a", "two") + pod("b") + pod("a", "one").replace("Pod", "Secret")
    kustomization = "resources: [all.yaml]\nsortOptions: {order: fifo}\n"
    return build("/", files={"kustomization.yaml": kustomization, "all.yaml": text})


def names(resources: Any) -> list[str]:
    return [f"{r['kind']} {r['metadata'].get('namespace', '')}/{r['metadata']['name']}" for r in resources]


ALL = ["Pod one/a", "Pod two/a", "Pod /b", "Secret one/a"]


def test_it_is_a_sequence_of_resources(rendered: Rendered) -> None:
    assert names(rendered.resources) == names(rendered) == ALL
    assert len(rendered) == 4
    assert rendered[0] is rendered.resources[0]
    assert rendered[-1]["kind"] == "Secret"
    assert names(reversed(rendered)) == ALL[::-1]
    for index in (4, -5):
        with pytest.raises(IndexError):
            rendered[index]


def test_resources_are_plain_dicts(rendered: Rendered) -> None:
    assert {type(resource) for resource in rendered} == {dict}
    assert copy.deepcopy(rendered[0]) == rendered[0]


def test_what_is_done_to_the_list_leaves_the_result_alone(rendered: Rendered) -> None:
    rendered.resources.clear()
    assert len(rendered.resources) == 4


def test_find(rendered: Rendered) -> None:
    assert rendered.find("Pod", "a") is rendered[0]
    assert rendered.find("Pod", "a", "two") is rendered[1]
    assert rendered.find("Pod", "b", namespace="") is rendered[2]
    assert rendered.find(kind="Pod", name="b", namespace="one") is None
    assert rendered.find("pod", "a") is None


def test_select(rendered: Rendered) -> None:
    assert names(rendered.select()) == ALL
    assert names(rendered.select("Pod")) == ALL[:3]
    assert names(rendered.select(name="a")) == [ALL[0], ALL[1], ALL[3]]
    assert names(rendered.select(namespace="one")) == [ALL[0], ALL[3]]
    assert rendered.select("Pod", "c") == []


def test_repr(rendered: Rendered) -> None:
    assert repr(rendered) == "<Rendered 4 resources: Pod one/a, Pod two/a, Pod b, …>"
    nothing = build("/", files={"kustomization.yaml": "namePrefix: a-\nresources: []\n"})
    assert repr(nothing) == "<Rendered 0 resources>"
    assert nothing.yaml == ""
    assert list(nothing) == []


def test_it_cannot_be_made_or_changed(rendered: Rendered) -> None:
    with pytest.raises(TypeError):
        Rendered()
    with pytest.raises(AttributeError):
        rendered.yaml = ""  # type: ignore[misc]
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(rendered)


def test_warnings() -> None:
    files = {"kustomization.yaml": "resources: [a.yaml]\ncommonLabels: {a: b}\n", "a.yaml": pod("a")}
    rendered = build("/", files=files)
    [warning] = rendered.warnings
    assert isinstance(warning, BuildWarning)
    assert warning.message.startswith("'commonLabels' is deprecated")
    assert (warning.file, warning.line, warning.column) == ("kustomization.yaml", 2, 1)
    assert str(warning).splitlines()[0] == f"warning: {warning.message}"
    assert warning == rendered.warnings[0]
    assert repr(rendered) == "<Rendered 1 resource: Pod a; 1 warning>"
    assert build("/", files=files | {"kustomization.yaml": "resources: [a.yaml]\n"}).warnings == []

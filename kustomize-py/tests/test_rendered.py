"""The result of a build."""

from __future__ import annotations

import copy
import enum
import pickle
from typing import Any

import pytest

from kustomize_py import BuildOptions, BuildWarning, Rendered, build, build_many, to_yaml


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


def test_notebooks_show_the_resources() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n"
    text = pod("a").replace("Pod", "Pod<b>") + "---\n" + secret
    html = build("/", files={"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text})._repr_html_()
    assert "<summary>Pod&lt;b&gt; a</summary><pre>apiVersion: v1" in html
    assert "<summary>Secret s</summary>" in html
    assert "hunter2" not in html
    assert html.count("<details>") == 2


def test_many_resources_are_not_all_shown() -> None:
    text = "".join(pod(f"p{number}") for number in range(103))
    html = build("/", files={"kustomization.yaml": "resources: [a.yaml]", "a.yaml": text})._repr_html_()
    assert html.count("<details>") == 100
    assert "and 3 more" in html


def test_help_names_all_options() -> None:
    for option in BuildOptions.__annotations__:
        assert f"`{option}=" in (build.__doc__ or ""), option
    assert "`build`" in (build_many.__doc__ or "")


def test_changed_resources_are_printed_as_kustomize_does(rendered: Rendered) -> None:
    assert to_yaml(rendered) == rendered.yaml
    assert to_yaml(rendered[0]) == rendered.yaml.split("---\n", maxsplit=1)[0]
    assert to_yaml([]) == ""
    changed = copy.deepcopy(rendered[0])
    changed["spec"] = {"z": 1, "a": ["on", "1", "x", None, True, 2**70, 1.5, 1e21, "two\nlines\n"], "e": {}}
    changed["metadata"]["annotations"] = {"n": "012", "t": "yes", "d": "2001-01-01"}
    # As kustomize prints the same values when they stand in a file as JSON.
    assert to_yaml(changed) == CHANGED


class Level(enum.IntEnum):
    HIGH = 3


# The texts are those that kustomize prints for these numbers in JSON.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Level.HIGH, "3"),
        (True, "true"),
        (-(2**63), "-9223372036854775808"),
        (-(2**63) - 1, "-9.223372036854776e+18"),
        (2**63, "9223372036854775808"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "1.8446744073709552e+19"),
        (10**21, "1e+21"),
        (10**400, None),
    ],
)
def test_integers_of_any_size(number: int, text: str | None) -> None:
    resource = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "number": number}
    if text is None:
        with pytest.raises(OverflowError):
            to_yaml(resource)
        return
    assert to_yaml(resource).splitlines()[-1] == f"number: {text}"


CHANGED = """\
apiVersion: v1
kind: Pod
metadata:
  annotations:
    d: "2001-01-01"
    "n": "012"
    t: "yes"
  name: a
  namespace: one
spec:
  a:
  - "on"
  - "1"
  - x
  - null
  - true
  - 1.1805916207174113e+21
  - 1.5
  - 1e+21
  - |
    two
    lines
  e: {}
  z: 1
"""


def test_what_is_no_resource_is_not_printed() -> None:
    endless: list[Any] = []
    endless.append(endless)
    wrong: Any
    for wrong in ({"a": object()}, {1: "a"}, ["a"], 1, {"a": {"b": b"bytes"}}):
        with pytest.raises(TypeError):
            to_yaml(wrong)
    for wrong in ({"a": endless}, {"a": float("nan")}):
        with pytest.raises(ValueError, match=r"levels deep|no number"):
            to_yaml(wrong)

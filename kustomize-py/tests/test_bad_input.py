"""Input of the wrong types, or made to do harm: a typed error, and the process lives on."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

import kustomize_py
from kustomize_py import BuildError, FileError, InputError, build, build_many, golden

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
FINE: dict[str, str | bytes] = {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": POD}


@pytest.fixture(autouse=True)
def _lives_on() -> Any:
    yield
    assert build("/", files=FINE)[0]["kind"] == "Pod"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "path"),
        ({"path": None}, "path must be str or os.PathLike, not NoneType"),
        ({"path": 3}, "path must be str or os.PathLike, not int"),
        ({"path": b"x"}, "path must be str or os.PathLike, not bytes"),
        ({"path": "/", "files": []}, "files must be a mapping of paths to content, not list"),
        ({"path": "/", "files": "x"}, "files must be a mapping of paths to content, not str"),
        ({"path": "/", "files": {1: ""}}, "paths in files must be str, not int"),
        ({"path": "/", "files": {"a": None}}, "the content of 'a' must be str or bytes, not NoneType"),
        ({"path": "/", "files": {"a": bytearray()}}, "the content of 'a' must be str or bytes"),
        ({"path": "/", "enable_helm": "yes"}, "option 'enable_helm' must be bool, not str"),
        ({"path": "/", "enable_helm": None}, "option 'enable_helm' must be bool, not NoneType"),
        ({"path": "/", "helm_command": 1}, "option 'helm_command' must be str, not int"),
        ({"path": "/", "env": "A=1"}, "option 'env' must be a list of str, not str"),
        ({"path": "/", "env": [1]}, "option 'env' must be a list of str, not list"),
        ({"path": "/", "enable_hlem": True}, "there is no option 'enable_hlem'"),
        ({"path": "/", "load_restrictor": True}, "option 'load_restrictor' must be str, not bool"),
    ],
)
def test_wrong_types(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        build(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("paths", [None, 3, "x", b"x", Path("x")])
def test_paths_that_are_not_several(paths: Any) -> None:
    for take in (build_many, golden.discover):
        with pytest.raises(TypeError) as caught:
            take(paths)
        expected = f"paths must be an iterable of str or os.PathLike, not {type(paths).__name__}"
        assert str(caught.value) == expected


def test_what_iterables_raise_comes_out() -> None:
    def paths() -> Any:
        yield "/"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        build_many(paths(), files=FINE)


@pytest.mark.parametrize(
    ("option", "choices"),
    [("load_restrictor", "'root_only', 'none'"), ("reorder", "'unspecified', 'legacy', 'none'")],
)
def test_wrong_words(option: str, choices: str) -> None:
    with pytest.raises(ValueError, match=f"option '{option}' must be one of {choices}, not 'x'"):
        build("/", **{option: "x"})  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows such names everywhere")
def test_directories_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    directory = tmp_path / "app\udcff"
    directory.mkdir()
    kustomization = "configMapGenerator: [{name: a, literals: [b=c]}]\n"
    (directory / "kustomization.yaml").write_text(kustomization)
    assert [resource["kind"] for resource in build(directory)] == ["ConfigMap"]
    with pytest.raises(FileError, match="no such file or directory"):
        build(directory / "nowhere")


@pytest.mark.parametrize("path", ["\udcff", "app/\udcff"])
def test_paths_that_are_not_utf_8(path: str) -> None:
    with pytest.raises(ValueError, match=r"^a path in files is not UTF-8"):
        build("/", files={path: ""})
    with pytest.raises(ValueError, match=r"^the content of 'kustomization\.yaml' is not UTF-8"):
        build("/", files={"kustomization.yaml": path})
    with pytest.raises(ValueError, match=r"^option 'env' is not UTF-8"):
        build("/", files=FINE, env=[path])


@pytest.mark.parametrize("path", ["", "a\0b", "nowhere", "a.yaml", "x" * 100_000, "../" * 1000])
def test_entries_that_are_none(path: str) -> None:
    with pytest.raises(BuildError):
        build(path, files={"a.yaml": POD})


def test_no_kustomization_in_the_directory() -> None:
    with pytest.raises(BuildError, match=r"kustomization\.yaml"):
        build("app", files={"app/a.yaml": POD})


@pytest.mark.parametrize("file", ["kustomization.yaml", "a.yaml"])
@pytest.mark.parametrize("content", [b"a: \xff\xfe\n", b"\x00\x01", b"\xed\xa0\x80"])
def test_files_that_are_not_utf_8(file: str, content: bytes) -> None:
    with pytest.raises(InputError) as caught:
        build("/", files=FINE | {file: content})
    # The file itself, or the line that asks for it.
    assert caught.value.file in (file, "kustomization.yaml")
    assert file in str(caught.value)


def test_a_cycle() -> None:
    files = {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}
    with pytest.raises(BuildError, match="in a circle: a → b → a") as caught:
        build("a", files=files)
    assert (caught.value.file, caught.value.line) == ("b/kustomization.yaml", 1)


def test_ten_thousand_files() -> None:
    count = 10_000
    files = {f"r/{n}.yaml": POD.replace("name: a", f"name: a-{n}") for n in range(count)}
    files["kustomization.yaml"] = "resources:\n" + "".join(f"- {name}\n" for name in files)
    assert len(build("/", files=files)) == count
    del files["r/777.yaml"]
    with pytest.raises(BuildError) as caught:
        build("/", files=files)
    assert (caught.value.file, caught.value.line) == ("kustomization.yaml", 779)


def test_ten_thousand_kustomizations() -> None:
    files = {f"k{n}/kustomization.yaml": f"namePrefix: p{n}-\nresources: [../base]\n" for n in range(10_000)}
    files |= {f"base/{name}": str(content) for name, content in FINE.items()}
    files["kustomization.yaml"] = "resources:\n" + "".join(f"- k{n}\n" for n in range(10_000))
    assert len(build("/", files=files)) == 10_000


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("files", [
    FINE | {"a.yaml": POD + bomb(12)},
    FINE | {"kustomization.yaml": bomb(12)},
    FINE | {"a.yaml": POD + "x: " + "[" * 100_000},
    FINE | {"a.yaml": POD + "x: " + "{a: " * 50_000},
    FINE | {"kustomization.yaml": "resources: " + "[" * 100_000},
])  # fmt: skip
def test_bombs(files: dict[str, str | bytes]) -> None:
    begun = time.monotonic()
    with pytest.raises(BuildError):
        build("/", files=files)
    assert time.monotonic() - begun < 30


def test_as_deep_as_is_allowed() -> None:
    deep = "x: " + "{a: " * 400 + "1" + "}" * 400
    files = FINE | {"a.yaml": POD + deep}
    for rendered in [build("/", files=files), *build_many(["/"] * 4, files=files)]:
        value = rendered[0]["x"]
        for _ in range(400):
            value = value["a"]
        assert value == 1


def test_a_tower_of_bases() -> None:
    files = {f"{n}/kustomization.yaml": f"resources: [../{n + 1}]\n" for n in range(5_000)}
    with pytest.raises(BuildError):
        build("0", files=files)
    results = build_many(["0"] * 4, files=files, return_exceptions=True)
    assert {type(result) for result in results} <= {kustomize_py.InputError, kustomize_py.NotAllowedError}


def test_files_that_change_while_they_are_read() -> None:
    class Growing(dict[str, str]):
        def items(self) -> Any:
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        build("/", files=Growing(FINE))  # type: ignore[arg-type]

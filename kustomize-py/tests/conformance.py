"""The recorded cases of kustomize's own tests, as data on disk; their README says what is in them."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kustomize_py import BuildOptions

ROOT = Path(__file__).parents[2]


def directory() -> Path:
    """Return where the cases are: where the environment says, or beside the repository."""
    named = os.environ.get("KUSTOMIZE_CONFORMANCE")
    return Path(named) if named else ROOT.parent / "shared" / "conformance"


@dataclass(frozen=True)
class Case:
    """One recorded run of kustomize."""

    name: str
    folder: Path
    entry: str
    arguments: tuple[str, ...]
    empty_directories: tuple[str, ...]
    placeholder: str | None
    needs_helm: bool
    expected: Path | None
    """The output; none when it is to be refused."""

    def lay_out(self, root: Path) -> Path:
        """Copy the case's tree, fill in what it could not hold, and return what is to be built."""
        if (self.folder / "input").is_dir():
            shutil.copytree(self.folder / "input", root, symlinks=True, copy_function=self._copy)
        for directory in self.empty_directories:
            (root / directory).mkdir(parents=True, exist_ok=True)
        root.mkdir(exist_ok=True)
        return Path(os.path.normpath(root / self.entry))

    def _copy(self, source: str, target: str) -> None:
        if Path(source).is_symlink():
            Path(target).symlink_to(os.readlink(source))  # noqa: PTH115
            return
        content = Path(source).read_bytes()
        if self.placeholder:
            # The copy's root is the test's own directory.
            content = content.replace(self.placeholder.encode(), self._root(target).encode())
        Path(target).write_bytes(content)
        if content.startswith(b"#!"):
            Path(target).chmod(0o755)

    @staticmethod
    def _root(target: str) -> str:
        return next(str(parent) for parent in Path(target).parents if parent.name == "case-root")

    def options(self) -> BuildOptions:
        """Return the flags as keyword arguments."""
        return options(self.arguments)


def options(arguments: tuple[str, ...]) -> BuildOptions:
    """Return flags of `kustomize build` as keyword arguments. As there, remote bases are allowed."""
    found: dict[str, Any] = {"enable_remote": True}
    waiting = list(arguments)
    while waiting:
        name, given, value = waiting.pop(0).partition("=")
        name = {"-e": "--env"}.get(name, name)
        if name in ("--enable-helm", "--enable-exec", "--network", "--as-current-user", "--helm-debug"):
            found[name[2:].replace("-", "_")] = value != "false"
            continue
        if name == "--enable-alpha-plugins":
            found |= {"enable_plugins": True, "enable_helm": True}
            continue
        if name == "--enable-managedby-label":
            found["add_managed_by_label"] = True
            continue
        value = value if given else waiting.pop(0)
        if name == "--load-restrictor":
            found["load_restrictor"] = {
                "LoadRestrictionsNone": "none",
                "LoadRestrictionsRootOnly": "root_only",
            }[value]
        elif name == "--reorder":
            found["reorder"] = value
        elif name in ("--helm-command", "--helm-kube-version", "--network-name"):
            found[name[2:].replace("-", "_")] = value
        elif name in ("--helm-api-versions", "--env", "--mount"):
            key = {"--mount": "mounts"}.get(name, name[2:].replace("-", "_"))
            found.setdefault(key, []).append(value)
        else:
            raise ValueError(f"what is {name}?")
    return found  # type: ignore[return-value]


def cases(top: Path) -> Iterator[Case]:
    """Read all cases."""
    for entry in json.loads((top / "index.json").read_text())["cases"]:
        if entry["tier"] not in ("cases", "source_only"):
            continue
        folder = top / entry["path"]
        case = _read(folder, entry)
        yield case
        other_order = folder / "expected_default_order.yaml"
        if entry["tier"] == "cases" and other_order.is_file():
            arguments = tuple(word for word in case.arguments if not word.startswith("--reorder"))
            yield replace(
                case, name=f"{case.name} (default order)", arguments=arguments, expected=other_order
            )


def _read(folder: Path, entry: dict[str, Any]) -> Case:
    recorded = json.loads((folder / "options.json").read_text())
    arguments = tuple(recorded.get("args") or ())
    expected: Path | None = folder / "expected.yaml"
    if entry["tier"] == "source_only":
        # What the release does, where that is not what was recorded.
        if "--enable-exec" not in arguments:
            expected = folder / "peer_output.yaml"
            expected = expected if expected.is_file() else None
    elif entry["expected"] != "ok":
        expected = None
    by_flag = any(flag in arguments for flag in ("--enable-helm", "--enable-alpha-plugins"))
    helm = by_flag and expected is not None and any("elm" in feature for feature in entry["features"])
    return Case(
        name=entry["path"],
        folder=folder,
        entry=(folder / "entry").read_text().strip(),
        arguments=arguments,
        empty_directories=tuple(recorded.get("empty_dirs") or ()),
        placeholder=recorded.get("root_placeholder"),
        needs_helm=helm,
        expected=expected,
    )


def mask(text: str) -> str:
    """Hide the version in the managed-by label, which is the recorded program's own."""
    return re.sub(r"(managed-by: kustomize-)\S*", r"\1X", text)

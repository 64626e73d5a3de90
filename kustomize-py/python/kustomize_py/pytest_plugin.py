"""Golden files of overlays as tests of pytest.

Each overlay below the directories that `kustomize_overlays` in pytest's configuration names is a
test: it is rendered and compared with its golden file. `--update-goldens` writes the golden files.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr

from kustomize_py import golden
from kustomize_py._diagnostics import KustomizeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest._io import TerminalWriter

    from kustomize_py import BuildOptions

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
# Options by which kustomizations run programs, or reach more than files of the repository.
TRUSTING = ("enable_exec", "enable_helm", "enable_plugins", "enable_remote", "load_restrictor")
TRUST = "--trust-kustomizations"
# What stands at the top of a repository; one without git may have the second.
TOPS = (".git", "kustomize-golden.yaml")
COLOURS: dict[str, dict[str, bool]] = {
    "resource": {"bold": True},
    "added": {"green": True},
    "removed": {"red": True},
    "changed": {"yellow": True},
    "note": {},
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag, and the settings of pytest's configuration file."""
    group = parser.getgroup("kustomize", "golden files of kustomize overlays")
    group.addoption(
        "--update-goldens",
        action="store_true",
        help="write what overlays render as to their golden files",
    )
    group.addoption(
        TRUST,
        action="store_true",
        help="let `kustomize_options` run programs, use the network, and load files from anywhere; "
        "counts on the command line and in PYTEST_ADDOPTS alone",
    )
    parser.addini(
        "kustomize_overlays", "directories below which overlays are tested", type="paths", default=[]
    )
    parser.addini("kustomize_goldens", "directory of the golden files, unless they are next to overlays")
    parser.addini("kustomize_golden_file", "name of the golden files")
    parser.addini(
        "kustomize_options", "options of the builds, one a line: `enable_helm = true`", type="linelist"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let overlays be collected where no other place was asked for."""
    config.addinivalue_line("markers", "golden: compares an overlay with its golden file")
    if not config.getini("kustomize_overlays"):
        return
    goldens = Goldens(config)
    config.pluginmanager.register(goldens, "kustomize-goldens")
    if _takes_all(config):
        seen = [config.invocation_params.dir / argument for argument in config.args]
        unseen = [place for place in goldens.places() if not any(map(place.is_relative_to, seen))]
        config.args.extend(map(str, unseen))


class Goldens:
    """What pytest is to collect, and how it ended."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the configuration."""
        self.config = config
        self.update: bool = config.getoption("--update-goldens")
        overlays: list[Path] = config.getini("kustomize_overlays")
        self.directories = [self._in_repository("kustomize_overlays", directory) for directory in overlays]
        self.accepted: list[Path] = []
        self.outcomes: dict[golden.Case, golden.Outcome] = {}
        self.is_trusted = _is_trusted(config)
        self.options = _options(config.getini("kustomize_options"), is_trusted=self.is_trusted)
        self._cases: dict[Path, golden.Case] | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist, which has a command line of its own."""
        node.workerinput["kustomize_is_trusted"] = self.is_trusted

    def places(self) -> list[Path]:
        """Return the directories of the overlays, and the golden files that have none."""
        return [*self.directories, *(place for place, case in self.cases().items() if case.is_orphan)]

    def directory(self) -> Path | None:
        """Return the directory that golden files have for themselves, which is in the repository."""
        name: str = self.config.getini("kustomize_goldens")
        if not name:
            return None
        place = self._in_repository("kustomize_goldens", self._top() / name)
        self._refuse_another_repository("kustomize_goldens", place)
        return place

    def file_name(self) -> str | None:
        """Return the name of golden files, which this repository cannot decide for another one."""
        name: str = self.config.getini("kustomize_golden_file")
        if not name:
            return None
        for directory in self.directories:
            self._refuse_another_repository("kustomize_golden_file", directory)
        return name

    def _refuse_another_repository(self, setting: str, place: Path) -> None:
        """Refuse a directory of a submodule: golden files are replaced and removed."""
        top = Path(os.path.realpath(self._top()))
        for other in (place, *place.parents):
            if not top.is_relative_to(other) and (other / ".git").exists():
                raise pytest.UsageError(f"{setting}: {place} is in another repository, {other}")

    def _top(self) -> Path:
        """Return the directory of the configuration."""
        return self.config.inipath.parent if self.config.inipath else self.config.rootpath

    def _repository(self) -> Path:
        """Return the top of the repository that the configuration is in, with links resolved."""
        top = self._top()
        above = [(place, mark) for mark in TOPS for place in (top, *top.parents)]
        return Path(os.path.realpath(next((place for place, mark in above if (place / mark).exists()), top)))

    def _in_repository(self, setting: str, directory: Path) -> Path:
        """Resolve a directory, which must be in the repository that may have brought the setting along.

        Only what is returned may be used: `link/..` is another place for those who leave out both.
        """
        repository = self._repository()
        place = Path(os.path.realpath(directory))
        is_gits = ".git" in (part.lower() for part in place.parts)
        if is_gits or not place.is_relative_to(repository):
            raise pytest.UsageError(f"{setting}: {directory} is not in the repository {repository}")
        return place

    def cases(self) -> dict[Path, golden.Case]:
        """Return the cases by the file that stands for them: the kustomization, else the golden file."""
        if self._cases is None:
            try:
                found = golden.discover(
                    self.directories,
                    directory=self.directory(),
                    file_name=self.file_name(),
                )
            except KustomizeError as error:
                raise pytest.UsageError(str(error)) from None
            self._cases = {self._stand_in(case): case for case in found}
        return self._cases

    def _stand_in(self, case: golden.Case) -> Path:
        """Return the file by which pytest finds a case.

        Pytest passes over links to nothing. A link out of the repository is refused in the same words:
        otherwise the tests that are found would tell what exists elsewhere.
        """
        files = [] if case.is_orphan else [Path(case.overlay) / name for name in FILE_NAMES]
        for file in files:
            if file.is_symlink() and not self.is_trusted and not self._leads_within(file):
                name = _seen_from(self.config.rootpath, file)
                raise pytest.UsageError(f"{name} is a link out of the repository, or to nothing")
            if file.is_file():
                return file
        return Path(case.golden)

    def _leads_within(self, link: Path) -> bool:
        """Tell whether a link leads to something in the repository."""
        target = Path(os.path.realpath(link))
        return target.is_relative_to(self._repository()) and target.exists()

    @pytest.hookimpl(hookwrapper=True, optionalhook=True)
    def pytest_collect_directory(self) -> Iterator[None]:
        """Let `--collect-only` print the names of directories like ids, which pytest prints as they are."""
        outcome: Any = yield
        node = outcome.get_result()
        if node is not None:
            node.name = _printable(node.name)

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> GoldenFile | None:
        """Collect what stands for a case."""
        # The file itself may be a link: it stands for the directory that it is in.
        case = self.cases().get(Path(os.path.realpath(file_path.parent)) / file_path.name)
        if case is None:
            return None
        seen = _seen_from(self.config.rootpath, file_path)
        rest: dict[str, Any] = {}
        if self.config.rootpath / seen != file_path:
            # pytest would print the name as it is. In ids, these two have a meaning.
            rest["nodeid"] = seen.replace("::", r"\x3a:").replace("[", r"\x5b")
        node = GoldenFile.from_parent(parent, path=file_path, case=case, goldens=self, **rest)
        node.name = _printable(node.name)
        return node

    def check(self, items: list[pytest.Item], wanted: GoldenItem) -> golden.Outcome:
        """Return how a case ended; all that are to be run are rendered together."""
        if wanted.case not in self.outcomes:
            # Where tests are spread over processes, each renders its own.
            spread = hasattr(self.config, "workerinput")
            together = [item.case for item in items if isinstance(item, GoldenItem)]
            cases = [wanted.case] if spread or wanted.case not in together else together
            self.outcomes.update(zip(cases, golden.check(cases, **self.options), strict=True))
        return self.outcomes[wanted.case]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was written."""
        if not self.accepted:
            return
        terminalreporter.section("golden files")
        for file in self.accepted:
            word = "written" if file.exists() else "removed"
            terminalreporter.write_line(f"{word} {_seen_from(self.config.invocation_params.dir, file)}")


class GoldenFile(pytest.File):
    """The kustomization of an overlay, or a golden file without an overlay."""

    def __init__(self, *, case: golden.Case, goldens: Goldens, **rest: Any) -> None:
        """Take the case."""
        super().__init__(**rest)
        self.case = case
        self.goldens = goldens

    def collect(self) -> Iterator[GoldenItem]:
        """Collect the one test."""
        yield GoldenItem.from_parent(self, name="golden", case=self.case, goldens=self.goldens)


class GoldenItem(pytest.Item):
    """The comparison of an overlay with its golden file."""

    def __init__(self, *, case: golden.Case, goldens: Goldens, **rest: Any) -> None:
        """Take the case."""
        super().__init__(**rest)
        self.case = case
        self.goldens = goldens
        self.add_marker("golden")

    def runtest(self) -> None:
        """Compare, and accept what came of it if that was asked for."""
        outcome = self.goldens.check(self.session.items, self)
        if outcome.is_equal:
            return
        if self.goldens.update and outcome.update is not None:
            try:
                accepted = golden.accept(outcome)
            except OSError as error:
                pytest.fail(f"cannot write {self.case.golden}: {error.strerror}", pytrace=False)
            if accepted is not None:
                self.goldens.accepted.append(accepted)
            return
        raise GoldenMismatch(outcome)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the overlay."""
        return (
            Path(_printable(str(self.path))),
            None,
            f"golden: {_seen_from(self.config.rootpath, Path(self.case.overlay))}",
        )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what differs, not where in Python that was found out."""
        if isinstance(excinfo.value, GoldenMismatch):
            return MismatchRepr(self, excinfo.value.outcome)
        return super().repr_failure(excinfo, style)


class GoldenMismatch(Exception):  # noqa: N818
    """An overlay does not render as it did."""

    def __init__(self, outcome: golden.Outcome) -> None:
        """Take the outcome."""
        super().__init__(str(outcome))
        self.outcome = outcome


class MismatchRepr(TerminalRepr):
    """A difference as pytest shows it."""

    def __init__(self, item: GoldenItem, outcome: golden.Outcome) -> None:
        """Take what is to be shown."""
        self.lines = outcome.lines
        self.cure = None
        if outcome.update is not None:
            _, content = outcome.update
            what = "removes it" if content is None else "accepts the new output"
            self.cure = f"--update-goldens {what}"
        summary = outcome.error.message if outcome.error else f"{outcome.kind}: {self.lines[0][1].strip()}"
        self.reprcrash = ReprFileLocation(_printable(str(item.path)), 0, _printable(summary))

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write it, in the colours of what happened."""
        for role, text in self.lines:
            tw.line(text, **COLOURS.get(role, {}))
        if self.cure:
            tw.line()
            tw.line(self.cure)


def _takes_all(config: pytest.Config) -> bool:
    """Tell whether all tests are asked for, not some paths or what is below the current directory."""
    source, sources = config.args_source, pytest.Config.ArgsSource
    here = config.invocation_params.dir
    # Not by its name: pytest 7 misspells the third source.
    return source is sources.TESTPATHS or (source is not sources.ARGS and here == config.rootpath)


def _is_trusted(config: pytest.Config) -> bool:
    """Tell whether whoever runs pytest trusts the kustomizations.

    Settings do not count, `addopts` among them: they come with the kustomizations.
    """
    if hasattr(config, "workerinput"):
        return bool(config.workerinput["kustomize_is_trusted"])
    return TRUST in (*config.invocation_params.args, *shlex.split(os.environ.get("PYTEST_ADDOPTS", "")))


def _options(lines: list[str], *, is_trusted: bool) -> BuildOptions:
    """Read the options of builds, one a line."""
    words = {"true": True, "false": False}
    options: Any = {}
    for line in lines:
        name, separator, value = (part.strip() for part in line.partition("="))
        if not separator:
            raise pytest.UsageError(f"kustomize_options: expected `name = value`, found `{line}`")
        is_list = name in ("helm_api_versions", "env", "mounts")
        options[name] = value.split() if is_list else words.get(value, value)
        if name in TRUSTING and options[name] not in (False, "root_only") and not is_trusted:
            message = f"kustomize_options: {name} trusts the kustomizations: if you do, pass {TRUST}"
            raise pytest.UsageError(message)
    try:
        # With nothing to build, it looks at the options alone.
        golden.check([], **options)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"kustomize_options: {error}") from None
    return options  # type: ignore[no-any-return]


def _seen_from(directory: Path, file: Path) -> str:
    """Return a path as seen from a directory above it, in one line and without control characters."""
    return _printable(os.path.relpath(file, directory) if file.is_relative_to(directory) else str(file))


def _printable(text: str) -> str:
    """Return a text in one line, with control characters written as escapes.

    What is a command of continuous integration (`::set-output`, `##vso[`) is none any more, and passwords
    in URLs are masked.
    """
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    text = re.sub(r"((?:https?|ssh):/{1,2}[^/@\s:]*):[^/\s]*@", r"\1:***@", text)
    text = re.sub(r"(https?:/{1,2})[^/\s:]+@", r"\1***@", text)
    text = re.sub(r"#(?=#+[A-Za-z0-9]*\[)", r"\\x23", text)
    return re.sub(r"^(\s*):(?=:)", r"\1\\x3a", text)

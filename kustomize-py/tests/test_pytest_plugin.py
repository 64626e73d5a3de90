"""The pytest plugin, in whole runs of pytest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kustomize_py import golden

GOLDEN = "kustomization.snap.yaml"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {priority: 1}\n"
STAGING = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: staging-web\nspec:\n  priority: 1\n"


@pytest.fixture
def repository(pytester: pytest.Pytester) -> Path:
    """Make a base and two overlays, of which one has a golden file."""
    write(pytester.path, {
        ".git/HEAD": "",
        "pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = "tests"\nkustomize_overlays = "deploy"\n',
        "tests/test_one.py": "def test_one(): pass\n",
        "deploy/base/kustomization.yaml": "resources: [pod.yaml]\n",
        "deploy/base/pod.yaml": POD,
        "deploy/staging/kustomization.yaml": "namePrefix: staging-\nresources: [../base]\n",
        f"deploy/staging/{GOLDEN}": STAGING,
        "deploy/production/kustomization.yml": "namePrefix: production-\nresources: [../base]\n",
    })  # fmt: skip
    return pytester.path


def write(top: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(content)


def snapshot(top: Path) -> dict[str, bytes]:
    files = (file for file in top.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {
        str(file.relative_to(top)): file.read_bytes() for file in files if ".pytest_cache" not in file.parts
    }


def test_overlays_are_tests(pytester: pytest.Pytester, repository: Path) -> None:
    before = snapshot(repository)
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines_random([
        "tests/test_one.py::test_one PASSED*",
        "deploy/staging/kustomization.yaml::golden PASSED*",
        "deploy/production/kustomization.yml::golden FAILED*",
        "there is no golden file */deploy/production/kustomization.snap.yaml",
        "*--update-goldens*",
        "FAILED deploy/production/kustomization.yml::golden - missing: there is*",
    ])  # fmt: skip
    assert snapshot(repository) == before


def test_nothing_is_collected_unless_asked_for(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    pytester.runpytest().assert_outcomes(passed=1)
    pytester.runpytest("-o", "kustomize_overlays=deploy").assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize(
    "place",
    ["deploy/staging", "deploy/staging/kustomization.yaml", "deploy/staging/kustomization.yaml::golden"],
)
def test_one_overlay_alone(pytester: pytest.Pytester, repository: Path, place: str) -> None:
    assert repository.is_dir()
    result = pytester.runpytest("-v", place)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["deploy/staging/kustomization.yaml::golden PASSED*"])


@pytest.mark.parametrize("selection", [["tests"], ["-k", "test_one"], ["-m", "not golden"]])
def test_overlays_are_left_out(pytester: pytest.Pytester, repository: Path, selection: list[str]) -> None:
    assert repository.is_dir()
    result = pytester.runpytest("--strict-markers", *selection)
    assert result.parseoutcomes()["passed"] == 1
    assert "failed" not in result.parseoutcomes()


@pytest.mark.parametrize(
    "arguments", [[], ["deploy"], [".", "deploy"], ["deploy/staging", "deploy/production"]]
)
def test_nothing_is_collected_twice(
    pytester: pytest.Pytester, repository: Path, arguments: list[str]
) -> None:
    (repository / "pyproject.toml").write_text('[tool.pytest.ini_options]\nkustomize_overlays = ["deploy"]\n')
    result = pytester.runpytest("--collect-only", "-q", *arguments)
    lines = [line for line in result.outlines if line.endswith("::golden")]
    assert sorted(lines) == [
        "deploy/production/kustomization.yml::golden",
        "deploy/staging/kustomization.yaml::golden",
    ]


def test_from_a_directory_below(
    pytester: pytest.Pytester, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "tests")
    pytester.runpytest("../deploy/staging").assert_outcomes(passed=1)
    # What is asked for without words is what is here, as of other tests.
    pytester.runpytest().assert_outcomes(passed=1)
    monkeypatch.chdir(repository / "deploy")
    pytester.runpytest().assert_outcomes(passed=1, failed=1)


def test_a_difference_is_shown_by_resource_and_field(pytester: pytest.Pytester, repository: Path) -> None:
    write(repository, {"deploy/base/pod.yaml": POD.replace("1}", "2}") + "---\n" + POD.replace("web", "new")})
    result = pytester.runpytest("deploy/staging")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random([
        "changed Pod staging-web",
        "*spec.priority: 1 → 2",
        "added Pod staging-new",
        "FAILED deploy/staging/kustomization.yaml::golden - different: *",
    ])  # fmt: skip
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_a_removed_resource(pytester: pytest.Pytester, repository: Path) -> None:
    gone = "---\n" + STAGING.replace("staging-web", "staging-old")
    write(repository, {f"deploy/staging/{GOLDEN}": STAGING + gone})
    result = pytester.runpytest("deploy/staging")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["removed Pod staging-old"])


def test_a_golden_file_that_is_only_written_otherwise(pytester: pytest.Pytester, repository: Path) -> None:
    write(repository, {f"deploy/staging/{GOLDEN}": STAGING + "# end\n"})
    result = pytester.runpytest("deploy/staging")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the resources are the same, the golden file is written differently"])


@pytest.mark.parametrize("update", [[], ["--update-goldens"]])
def test_a_rendering_error_shows_as_such(
    pytester: pytest.Pytester, repository: Path, update: list[str]
) -> None:
    write(repository, {"deploy/staging/kustomization.yaml": "resources: [../base]\nnamePrefx: staging-\n"})
    before = snapshot(repository)
    result = pytester.runpytest("deploy/staging", *update)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([
        "error: unknown field `namePrefx`*",
        "*--> deploy/staging/kustomization.yaml:2:1",
        "FAILED deploy/staging/kustomization.yaml::golden - unknown field `namePrefx`*",
    ])  # fmt: skip
    result.stdout.no_fnmatch_line("*removed*")
    assert snapshot(repository) == before


def test_a_golden_file_without_an_overlay(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "deploy/staging/kustomization.yaml").unlink()
    result = pytester.runpytest("deploy/staging")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "there is no overlay for the golden file *",
            "--update-goldens removes it",
            f"FAILED deploy/staging/{GOLDEN}::golden*",
        ]
    )
    pytester.runpytest("deploy/staging", "--update-goldens").assert_outcomes(passed=1)
    assert not (repository / "deploy/staging" / GOLDEN).exists()


def test_a_golden_file_that_cannot_be_read(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "deploy/staging" / GOLDEN).write_bytes(b"\xff")
    result = pytester.runpytest("deploy/staging")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the golden file is not UTF-8 text*"])


def test_update(pytester: pytest.Pytester, repository: Path) -> None:
    write(repository, {"deploy/base/pod.yaml": POD.replace("1}", "2}")})
    before = snapshot(repository)
    result = pytester.runpytest("--update-goldens")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines_random([
        f"written deploy/production/{GOLDEN}",
        f"written deploy/staging/{GOLDEN}",
    ])  # fmt: skip
    after = snapshot(repository)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {f"deploy/production/{GOLDEN}", f"deploy/staging/{GOLDEN}"}
    assert after[f"deploy/staging/{GOLDEN}"].decode() == STAGING.replace("priority: 1", "priority: 2")
    pytester.runpytest().assert_outcomes(passed=3)


def test_a_golden_file_that_cannot_be_written(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "deploy/staging" / GOLDEN).unlink()
    (repository / "deploy/staging" / GOLDEN).mkdir()
    result = pytester.runpytest("--update-goldens")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([f"cannot write */deploy/staging/{GOLDEN}: *"])
    result.stdout.no_fnmatch_line("*golden.py*")


def test_update_writes_what_is_selected_only(pytester: pytest.Pytester, repository: Path) -> None:
    write(repository, {"deploy/base/pod.yaml": POD.replace("1}", "2}")})
    pytester.runpytest("--update-goldens", "deploy/staging").assert_outcomes(passed=1)
    assert not (repository / "deploy/production" / GOLDEN).exists()


def test_golden_files_in_a_directory_of_their_own(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "deploy/staging" / GOLDEN).unlink()
    settings = '\nkustomize_goldens = "expected"\nkustomize_golden_file = "all.yaml"\n'
    with (repository / "pyproject.toml").open("a") as file:
        file.write(settings)
    pytester.runpytest("--update-goldens").assert_outcomes(passed=3)
    assert (repository / "expected/deploy/staging/all.yaml").read_text() == STAGING
    pytester.runpytest().assert_outcomes(passed=3)
    write(repository, {"expected/deploy/gone/all.yaml": STAGING})
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["FAILED expected/deploy/gone/all.yaml::golden - orphaned: *"])


def test_the_layout_of_the_repository_holds(pytester: pytest.Pytester, repository: Path) -> None:
    write(repository, {"kustomize-golden.yaml": "directory: goldens\n"})
    (repository / "deploy/staging" / GOLDEN).unlink()
    pytester.runpytest("--update-goldens").assert_outcomes(passed=3)
    assert (repository / "goldens/deploy/staging" / GOLDEN).read_text() == STAGING
    write(repository, {f"goldens/deploy/gone/{GOLDEN}": STAGING})
    pytester.runpytest().assert_outcomes(passed=3, failed=1)


def test_options(pytester: pytest.Pytester, repository: Path) -> None:
    option = "kustomize_options=add_managed_by_label = true"
    result = pytester.runpytest("-o", option, "deploy/staging")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*managed-by*"])
    assert repository.is_dir()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("kustomize_options=nonsense = 1", "*there is no option 'nonsense'*"),
        ("kustomize_options=enable_helm", "*expected `name = value`, found `enable_helm`*"),
        ("kustomize_golden_file=a/b", '*"a/b" is not the name of a file*'),
        ("kustomize_overlays=nowhere", "*nowhere*"),
        ("kustomize_goldens=.", "*goldens stand in a directory of their own*"),
    ],
)
def test_wrong_settings(pytester: pytest.Pytester, repository: Path, setting: str, message: str) -> None:
    assert repository.is_dir()
    result = pytester.runpytest("-o", setting)
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    lines = pytest.LineMatcher(result.outlines + result.errlines)
    lines.fnmatch_lines([message])
    lines.no_fnmatch_line("*INTERNALERROR*")


@pytest.mark.parametrize("update", [[], ["--update-goldens"]])
def test_spread_over_processes(pytester: pytest.Pytester, repository: Path, update: list[str]) -> None:
    write(repository, {"deploy/base/pod.yaml": POD.replace("1}", "2}")})
    result = pytester.runpytest_subprocess("-n", "2", *update)
    if update:
        result.assert_outcomes(passed=3)
        assert "priority: 2" in (repository / "deploy/staging" / GOLDEN).read_text()
    else:
        result.assert_outcomes(passed=1, failed=2)
        result.stdout.fnmatch_lines(["*spec.priority: 1 → 2"])


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
@pytest.mark.parametrize("target", ["../../../victim/secret", "/proc/self/environ", "../../.git/HEAD"])
def test_golden_files_are_no_links(pytester: pytest.Pytester, repository: Path, target: str) -> None:
    victim = repository.parent / "victim"
    write(victim, {"secret": "PASSWORD=hunter2\n"})
    (repository / "deploy/production" / GOLDEN).symlink_to(target)
    for arguments in [], ["--update-goldens"]:
        result = pytester.runpytest(*arguments)
        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines(["*kustomization.snap.yaml is a link*"])
        result.stdout.no_fnmatch_line("*hunter2*")
        assert (victim / "secret").read_text() == "PASSWORD=hunter2\n"
        assert (repository / "deploy/production" / GOLDEN).is_symlink()


@pytest.mark.parametrize("directory", ["../victim-tree", ".git/hooks", "deploy/.GIT"])
def test_goldens_are_configured_in_the_repository(
    pytester: pytest.Pytester, repository: Path, directory: str
) -> None:
    victim = repository.parent / "victim-tree"
    write(victim, {f"deploy/gone/{GOLDEN}": STAGING})
    (repository / ".git").mkdir(exist_ok=True)
    before = snapshot(repository)
    for setting in ("kustomize_goldens", "kustomize_overlays"):
        result = pytester.runpytest("--update-goldens", "-o", f"{setting}={directory}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert snapshot(victim) == {f"deploy/gone/{GOLDEN}": STAGING.encode()}
    assert snapshot(repository) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_settings_are_where_they_were_looked_for(pytester: pytest.Pytester, repository: Path) -> None:
    victim = repository.parent / "victim-seen"
    write(victim, {f"deploy/gone/{GOLDEN}": STAGING, "o/kustomization.yaml": "resources: [p.yaml]\n"})
    write(victim, {"o/p.yaml": POD})
    before = snapshot(victim)
    (repository / "a/b").mkdir(parents=True)
    (repository / "link").symlink_to("a/b")
    for setting in ("kustomize_goldens", "kustomize_overlays"):
        pytester.runpytest("--update-goldens", "-o", f"{setting}=link/../../victim-seen")
    assert snapshot(victim) == before


def test_only_the_repository_is_rendered(pytester: pytest.Pytester, repository: Path) -> None:
    victim = repository.parent / "victim-base"
    write(victim, {"kustomization.yaml": "configMapGenerator: [{name: a, files: [secret]}]\n"})
    write(victim, {"secret": "hunter2\n"})
    write(repository, {
        "deploy/production/kustomization.yml": "resources: [../../../victim-base]\n",
    })  # fmt: skip
    before = snapshot(repository)
    result = pytester.runpytest("--update-goldens")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*which is outside of the repository, is not allowed*"])
    assert snapshot(repository) == before


def test_without_git_the_top_is_marked_or_that_of_the_configuration(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    overlay = {"kustomization.yaml": "resources: [p.yaml]\n", "p.yaml": POD}
    write(tmp_path, {f"o/{name}": text for name, text in overlay.items()})
    write(tmp_path, {"tests/pytest.ini": "[pytest]\nkustomize_overlays = ../o\n"})
    ini = tmp_path / "tests/pytest.ini"
    result = pytester.runpytest("--update-goldens", "-c", ini, "--rootdir", ini.parent)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not (tmp_path / "o" / GOLDEN).exists()
    write(tmp_path, {"kustomize-golden.yaml": ""})
    pytester.runpytest("--update-goldens", "-c", ini, "--rootdir", ini.parent, tmp_path / "o")
    assert "name: web" in (tmp_path / "o" / GOLDEN).read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_names_do_not_control_the_terminal(pytester: pytest.Pytester, repository: Path) -> None:
    write(repository, {"deploy/a\n::error::\x1b[31m/kustomization.yaml": "resources: [p.yaml]\n"})
    write(repository, {"deploy/a\n::error::\x1b[31m/p.yaml": POD})
    result = pytester.runpytest("--update-goldens")
    result.stdout.fnmatch_lines([rf"written deploy/a\n::error::\x1b*{GOLDEN}"])
    write(repository, {"deploy/staging/kustomization.yaml": 'resources: ["b\\n::error::\\e[31m"]\n'})
    result = pytester.runpytest("deploy/staging")
    result.assert_outcomes(failed=1)
    assert "\x1b" not in result.stdout.str()
    assert not [line for line in result.outlines if line.lstrip().startswith("::")]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names")
def test_values_and_names_are_no_commands(pytester: pytest.Pytester, repository: Path) -> None:
    value = '{a: "b\\n##[add-path]c"}'
    write(repository, {"deploy/base/pod.yaml": POD.replace("name: web", f"name: web, annotations: {value}")})
    write(repository, {"deploy/n\n::error::x/kustomization.yaml": "resources: [../base]\n"})
    shown = pytester.runpytest("--no-header").stdout.str()
    assert "add-path]c" in shown
    assert "##[add-path]" not in shown
    assert f"\n::error::x/{GOLDEN}" not in shown


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_kustomizations_that_are_links_are_tested(pytester: pytest.Pytester, repository: Path) -> None:
    linked = repository / "deploy" / "linked"
    linked.mkdir()
    (linked / "kustomization.yaml").symlink_to("../staging/kustomization.yaml")
    pytester.runpytest("deploy/linked").assert_outcomes(failed=1)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_links_that_appear_after_the_comparison_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    write(victim, {GOLDEN: "keep me\n"})
    overlay = {"kustomization.yaml": "resources: [p.yaml]\n", "p.yaml": POD}
    write(tmp_path, {"repo/.git/HEAD": "", **{f"repo/o/{name}": text for name, text in overlay.items()}})
    (outcome,) = golden.check(golden.discover([tmp_path / "repo"]))
    (tmp_path / "repo/o").rename(tmp_path / "repo/moved")
    (tmp_path / "repo/o").symlink_to(victim)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        golden.accept(outcome)
    assert snapshot(victim) == {GOLDEN: b"keep me\n"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_the_tree_of_golden_files_is_in_the_repository(pytester: pytest.Pytester, repository: Path) -> None:
    victim = repository.parent / "victim-tree"
    write(victim, {f"deploy/gone/{GOLDEN}": STAGING})
    (repository / "g").symlink_to(victim)
    (repository / "kustomize-golden.yaml").write_text("directory: g\n")
    result = pytester.runpytest("--update-goldens")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert snapshot(victim) == {f"deploy/gone/{GOLDEN}": STAGING.encode()}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_what_is_collected_does_not_tell_of_files_elsewhere(
    pytester: pytest.Pytester, repository: Path
) -> None:
    elsewhere = repository.parent / "elsewhere"
    write(elsewhere, {"secret": "x\n"})
    write(repository, {"deploy/x/a.yaml": ""})
    link = repository / "deploy/x/kustomization.yaml"
    said = []
    for target in [elsewhere / "secret", elsewhere, elsewhere / "missing", repository / "missing"]:
        link.symlink_to(target)
        result = pytester.runpytest()
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        said.append(result.outlines + result.errlines)
        link.unlink()
    pytest.LineMatcher(said[0]).fnmatch_lines(["*x/kustomization.yaml is a link out of the repository*"])
    assert said.count(said[0]) == len(said)
    # In the repository, links are followed.
    link.symlink_to(repository / "deploy/staging/kustomization.yaml")
    pytester.runpytest("-v").stdout.fnmatch_lines(["deploy/x/kustomization.yaml::golden *"])


def test_only_golden_files_are_removed(pytester: pytest.Pytester, repository: Path) -> None:
    (repository / "kustomize-golden.yaml").write_text("file: README.md\n")
    write(repository, {"deploy/docs/README.md": "# Docs\n", "deploy/gone/README.md": STAGING})
    pytester.runpytest("--update-goldens").assert_outcomes(passed=4, failed=1)
    assert (repository / "deploy/docs/README.md").read_text() == "# Docs\n"
    assert not (repository / "deploy/gone/README.md").exists()


def test_values_of_secrets_are_hidden(tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  password: hunter2\n"
    files = {"kustomization.yaml": "resources: [s.yaml]\n", "s.yaml": secret}
    write(tmp_path, {**files, GOLDEN: secret.replace("hunter2", "hunter3")})
    (outcome,) = golden.check(golden.discover([tmp_path]))
    assert "*** (before)" in str(outcome)
    assert "hunter" not in str(outcome)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    "arguments", [[], ["-v"], ["-vv"], ["-q", "-rA"], ["--update-goldens"], ["-n2", "-v"], ["--collect-only"]]
)
def test_ids_are_no_commands(pytester: pytest.Pytester, repository: Path, arguments: list[str]) -> None:
    for name in ["##[add-path]x", "##vso[task.complete]x", "::add-mask::x", "n\n::add-mask::x", "\x1b[2J"]:
        write(repository, {f"{name}/kustomization.yaml": "resources: [../deploy/base]\n"})
    result = pytester.runpytest("-o", "kustomize_overlays=.", *arguments)
    assert sum(result.parseoutcomes().values()) >= 8
    shown = [line.strip() for line in result.outlines]
    assert not [line for line in shown if line.startswith("::") or "##[" in line or "##vso[" in line]
    assert "\x1b[2J" not in "\n".join(shown)


TRUSTED = "*trusts the kustomizations: if you do, pass --trust-kustomizations*"


@pytest.mark.parametrize(
    "option",
    ["load_restrictor = none", "enable_exec = true", "enable_helm = true", "enable_plugins = true"],
)
def test_settings_trust_nothing(pytester: pytest.Pytester, repository: Path, option: str) -> None:
    secret = pytester.path.parent / "secret"
    secret.write_text("PASSWORD=hunter2\n")
    overlay = f"configMapGenerator: [{{name: a, files: ['{secret}']}}]\n"
    write(repository, {
        "deploy/staging/kustomization.yaml": overlay,
        "pytest.ini": "[pytest]\naddopts = --trust-kustomizations\nkustomize_overlays = deploy\n"
        f"kustomize_options = {option}\n",
    })  # fmt: skip
    for arguments in [[], ["-n2"]]:
        result = pytester.runpytest(*arguments)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        lines = pytest.LineMatcher(result.outlines + result.errlines)
        lines.fnmatch_lines([TRUSTED])
        lines.no_fnmatch_line("*hunter2*")
    # Whoever runs it can say so.
    for arguments in [[], ["-n2"]]:
        result = pytester.runpytest("--trust-kustomizations", *arguments)
        assert result.parseoutcomes().get("failed") == 2
        lines = pytest.LineMatcher(result.outlines + result.errlines)
        lines.no_fnmatch_line(TRUSTED)


@pytest.mark.parametrize("golden_files", ["other/goldens", "other"])
def test_golden_files_are_in_no_other_repository(
    pytester: pytest.Pytester, repository: Path, golden_files: str
) -> None:
    # Each of these files is one that an overlay may have rendered as.
    write(repository, {"other/.git": "gitdir: x\n", "other/goldens/app/web.yaml": STAGING})
    before = snapshot(repository)
    settings = ["-o", f"kustomize_goldens={golden_files}", "-o", "kustomize_golden_file=web.yaml"]
    result = pytester.runpytest("--update-goldens", *settings)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = pytest.LineMatcher(result.outlines + result.errlines)
    lines.fnmatch_lines(["*is in another repository*"])
    assert snapshot(repository) == before


def test_the_name_of_golden_files_is_not_that_of_another_repository(
    pytester: pytest.Pytester, repository: Path
) -> None:
    files = {
        "other/.git": "gitdir: x\n",
        "other/app/kustomization.yaml": "namePrefix: a-\n",
        "other/app/web.yaml": STAGING,
    }
    write(repository, files)
    before = snapshot(repository)
    settings = ["-o", "kustomize_overlays=other", "-o", "kustomize_golden_file=web.yaml"]
    result = pytester.runpytest("--update-goldens", *settings)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = pytest.LineMatcher(result.outlines + result.errlines)
    lines.fnmatch_lines(["*kustomize_golden_file: *is in another repository*"])
    assert snapshot(repository) == before

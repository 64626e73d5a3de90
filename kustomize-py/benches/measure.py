"""Measure the installed package, and print the table that stands in the README.

Usage: `python benches/measure.py [--builds 100000] [--reference "kubectl kustomize"]`, with the
package installed as users get it (`pip install ./kustomize-py`).
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from kustomize_py import build, build_many

DEMO = Path(__file__).parents[2] / "fixtures/apps/overlays/production"

SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
"""
SMALL: dict[str, str | bytes] = {
    "base/kustomization.yaml": "resources: [service.yaml]\n",
    "base/service.yaml": SERVICE,
    "app/kustomization.yaml": "namePrefix: staging-\nnamespace: shop\nresources: [../base]\n",
}


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def median(work: Callable[[], object], times: int) -> float:
    """Return how long it takes, the median of several times."""
    return statistics.median(seconds(work) for _ in range(times))


def resident() -> int:
    """Return the memory that this process has now, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise OSError("no VmRSS in /proc/self/status")


def row(what: str, result: str) -> None:
    """Print one measurement."""
    print(f"| {what} | {result} |", flush=True)


def cold_process(reference: str) -> None:
    """Compare new processes, in turn: Python with this package, and kustomize."""
    program = f"import kustomize_py; print(kustomize_py.build({str(DEMO)!r}), end='')"
    ours = [sys.executable, "-c", program]
    bare = [sys.executable, "-c", "pass"]
    theirs = [*shlex.split(reference), str(DEMO)]
    commands = [ours, bare]
    if shutil.which(theirs[0]) is None:
        row(f"the same by `{reference}`", "SKIPPED: there is no such program")
    else:
        commands.append(theirs)

    def run(command: list[str]) -> bytes:
        return subprocess.run(command, check=True, capture_output=True).stdout

    if len(commands) > 2 and run(ours) != run(theirs):  # noqa: PLR2004
        raise ValueError("the outputs differ")
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(21):
        for command, times in zip(commands, taken, strict=True):
            times.append(seconds(partial(run, command)))
    medians = [statistics.median(times) for times in taken]
    row("demo overlay, a new Python process with the build in it", f"{medians[0] * 1e3:.1f} ms")
    row("the same without the build: Python alone", f"{medians[1] * 1e3:.1f} ms")
    if len(medians) > 2:  # noqa: PLR2004
        slower = medians[2] / medians[0]
        row(f"the same by `{reference}` as a subprocess", f"{medians[2] * 1e3:.0f} ms ({slower:.1f} ×)")
    row("demo overlay, in a process that runs", f"{median(lambda: build(DEMO), 201) * 1e3:.2f} ms")


def small_builds() -> None:
    """Measure many small builds, one after the other."""
    build("app", files=SMALL)

    def thousand() -> None:
        for _ in range(1000):
            build("app", files=SMALL)

    row("1,000 small builds of files in memory, one after the other", f"{median(thousand, 5) * 1e3:.0f} ms")


def memory(builds: int) -> None:
    """Measure the memory of a process over many builds whose results are used and dropped."""
    found = {}
    for number in range(1, builds + 1):
        rendered = build("app", files=SMALL)
        if rendered[0]["metadata"]["name"] != "staging-web":
            raise ValueError("rendered otherwise")
        if number in (builds // 100, builds // 10, builds // 2, builds):
            found[number] = resident()
    steps = ", ".join(f"{size / 1024:.1f} MiB after {number:,}" for number, size in found.items())
    row(f"memory of the process over {builds:,} builds", steps)
    first, last = found[builds // 100], found[builds]
    if last > first * 1.1 + 2048:
        raise MemoryError(f"memory grew from {first} to {last} KiB")


def large(resources: int) -> dict[str, str | bytes]:
    """Return a kustomization of many resources."""
    text = "---\n".join(SERVICE.replace("name: web", f"name: web-{n}") for n in range(resources))
    kustomization = "namePrefix: a-\nnamespace: shop\ncommonAnnotations: {a: b}\nresources: [all.yaml]\n"
    return {"kustomization.yaml": kustomization, "all.yaml": text}


def threads() -> None:
    """Measure the same work on one thread and on two."""
    resources, times = 10, 1000
    files = large(resources)

    def on(workers: int) -> float:
        with ThreadPoolExecutor(workers) as pool:
            return seconds(lambda: list(pool.map(lambda _: build("/", files=files), range(times))))

    on(2)
    pairs = [(on(1), on(2)) for _ in range(5)]
    one, two = (statistics.median(times) for times in zip(*pairs, strict=True))
    row(
        f"{times:,} builds of {resources} resources, on one thread and on two",
        f"{one * 1e3:.0f} ms, {two * 1e3:.0f} ms ({one / two:.2f} ×)",
    )


def many() -> None:
    """Measure overlays of one base, by `build` and by `build_many`."""
    count = 200
    files = {f"base/{name}": content for name, content in large(50).items()}
    overlays = [f"overlays/{n}" for n in range(count)]
    for number, overlay in enumerate(overlays):
        kustomization = f"nameSuffix: -n{number}\nresources: [../../base]\n"
        files[f"{overlay}/kustomization.yaml"] = kustomization
    together = [rendered.yaml for rendered in build_many(overlays, files=files)]
    if together != [build(overlay, files=files).yaml for overlay in overlays]:
        raise ValueError("rendered otherwise")
    one = median(lambda: [build(overlay, files=files) for overlay in overlays], 5)
    all_at_once = median(lambda: build_many(overlays, files=files), 5)
    row(
        f"{count} overlays of a base with 50 resources, by `build` and by `build_many`",
        f"{one * 1e3:.0f} ms, {all_at_once * 1e3:.0f} ms ({one / all_at_once:.1f} ×)",
    )


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--builds", type=int, default=100_000, help="builds over which memory is measured")
    parser.add_argument("--reference", default="kubectl kustomize", help="what to compare with")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"CPython {platform.python_version()}, {cores} cores; medians.\n")
    print("| what | measured |\n|---|---|")
    cold_process(arguments.reference)
    small_builds()
    memory(arguments.builds)
    threads()
    many()


if __name__ == "__main__":
    main()

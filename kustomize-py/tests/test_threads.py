"""The interpreter goes on while builds run, and so does Ctrl-C."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from kustomize_py import FileError, build, build_many

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {containers: [{name: a, image: nginx}]}\n"


def large(count: int = 4_000) -> dict[str, str]:
    text = "---\n".join(POD.replace("NAME", f"pod-{n}") for n in range(count))
    kustomization = "namePrefix: a-\nnameSuffix: -b\nnamespace: c\nresources: [all.yaml]\n"
    return {"kustomization.yaml": kustomization, "all.yaml": text}


def test_other_threads_run_during_a_build() -> None:
    files = large()
    ticks, done = 0, threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    begun = time.monotonic()
    build("/", files=files)
    took, seen = time.monotonic() - begun, ticks
    done.set()
    ticker.join()
    # A tick a millisecond, were nobody in its way; under a held lock there would be none at all.
    assert seen > took * 1000 / 20


def test_many_threads_get_what_one_gets() -> None:
    files = large(50)
    expected = build("/", files=files).yaml
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda _: build("/", files=files).yaml, range(100))
    assert set(results) == {expected}


def test_one_result_in_many_threads() -> None:
    rendered = build("/", files=large(500))
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda n: rendered[n % 500], range(2000)))
    assert all(resource is rendered[n % 500] for n, resource in enumerate(seen))


INTERRUPTED = """
import signal, sys, threading, time
import kustomize_py
from pathlib import Path

# Processes in the background may inherit that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
files = eval(sys.stdin.read())
sent = []
def interrupt():
    time.sleep(0.3)
    sent.append(time.monotonic())
    signal.raise_signal(signal.SIGINT)
thread = threading.Thread(target=interrupt)
thread.start()
try:
    if sys.argv[1] == "one build":
        kustomize_py.build("/", files=files)
    elif sys.argv[1] == "builds":
        while True:
            kustomize_py.build("/", files=files)
    else:
        kustomize_py.build_many(["/"] * 10_000, files=files)
except KeyboardInterrupt:
    caught = time.monotonic()
thread.join()
print("caught", caught)
print("sent", *sent)
pod = {"kustomization.yaml": "resources: [a]\\n", "a": "kind: A\\nmetadata: {name: a}\\n"}
print(len(kustomize_py.build("/", files=pod)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize(
    ("what", "resources"), [("one build", 100_000), ("builds", 2), ("build_many", 2_000)]
)
def test_ctrl_c_during_a_build(what: str, resources: int) -> None:
    program = [sys.executable, "-c", INTERRUPTED, what]
    ended = subprocess.run(
        program, input=repr(large(resources)), capture_output=True, text=True, timeout=120, check=True
    )
    lines = sorted(line.split() for line in ended.stdout.splitlines())
    assert [line[0] for line in lines] == ["1", "caught", "sent"], ended
    # Well before all of it was built, which takes minutes.
    assert float(lines[1][1]) - float(lines[2][1]) < 5
    assert ended.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_what_a_signal_handler_raises_comes_out() -> None:
    class Alarm(Exception):  # noqa: N818
        pass

    def handler(*_: Any) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Alarm):
            while True:
                build("/", files=large(1_000))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes(method: str) -> None:
    # Threads of builds do not come along when a process is forked.
    expected = build("/", files=large(1_000)).yaml
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert set(pool.map(yaml_of, [1_000] * 4)) == {expected}
        with pytest.raises(FileError, match="nowhere"):
            pool.submit(build, "nowhere", files={}).result()


def yaml_of(count: int) -> str:
    return build_many(["/"], files=large(count))[0].yaml


SMALL_STACK = """
import sys, threading
import kustomize_py

nested = "kind: A\\nmetadata: {name: a}\\ndeep: " + "[" * 490 + "]" * 490
files = {"kustomization.yaml": "resources: [a]\\n", "a": nested}
wait = threading.Event()

def run():
    wait.wait()
    print(len(kustomize_py.build("/", files=files).resources))

threading.stack_size(int(sys.argv[1]) * 1024)
thread = threading.Thread(target=run)
thread.start()
# As those do who set it for their own threads: it tells nothing of the one that runs.
threading.stack_size(0)
wait.set()
thread.join()
"""


@pytest.mark.parametrize("kilobytes", [64, 128, 256, 1024])
def test_a_thread_with_little_stack(kilobytes: int) -> None:
    program = [sys.executable, "-c", SMALL_STACK, str(kilobytes)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    assert (ended.stdout, ended.stderr) == ("1\n", "")

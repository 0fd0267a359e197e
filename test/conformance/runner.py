"""Runs many tests in a few worker processes; a worker that dies costs the test it was at, not the rest."""

import json
import os
import pathlib
import queue
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def run_all(wanted, workers=2):
    """{(mode, name): error or None} for a list of (mode, name)."""
    pending = queue.SimpleQueue()
    for case in wanted:
        pending.put(case)
    results = {}
    threads = [threading.Thread(target=_serve, args=(pending, results)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _start():
    package = os.environ.get("BIT_PACKAGE", str(ROOT / "build/release/python"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, str(HERE)])}
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", str(HERE / "worker.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def _serve(pending, results):
    worker = None
    while True:
        try:
            mode, name = pending.get_nowait()
        except queue.Empty:
            break
        worker = worker or _start()
        try:
            worker.stdin.write(f"{mode} {name}\n")
            worker.stdin.flush()
            answer = worker.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if answer:
            results[mode, name] = json.loads(answer)["error"]
        else:
            results[mode, name] = f"crash: the process ended with status {worker.wait()}"
            worker = None
    if worker:
        worker.stdin.close()
        worker.wait()

#!/usr/bin/env python3
"""Runs the backend suite of the onnx package, all of it, and says what passes and why the rest does not.

usage: scripts/conformance [--target=cpu] [--mode=static|dynamic] [--releases] [--update] [-j N] [--filter TEXT] [--details]
  --update   writes the list of what passes (which `scripts/check` holds us to) and docs/Conformance.md
  --releases the distinct node tests of older releases of the package instead, which are fetched from PyPI into build/onnx-releases
  --mode     dynamic: the dims of all inputs, outputs and intermediate values are erased, ranks are kept
Each worker is a process of its own: a crash, or a case that takes more than two minutes, costs one case and is reported as such.
"""
import argparse
import collections
import os
import queue
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from cases import MODES, list_of, operator_of, passed_cases, suite_cases, verdict  # noqa: E402
from locations import BUILD, ROOT  # noqa: E402
from releases import RELEASES, fetch, opset_of  # noqa: E402
from report import write_releases, write_report  # noqa: E402

sys.path.insert(0, str(BUILD / "python"))
LIMIT_S = 120
FETCHED = ROOT / "build" / "onnx-releases"


def serve(suite, target, mode):
    """Worker: case names on standard input, `verdict<TAB>milliseconds<TAB>why` lines on standard output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints goes elsewhere
    for line in sys.stdin:
        start = time.perf_counter()
        kind, why = verdict(suite_cases(suite)[line.strip()], target, mode)
        print(f"{kind}\t{(time.perf_counter() - start) * 1e3:.1f}\t{why}", file=answers, flush=True)


class Run:
    """One run over the chosen cases: {name: (verdict, milliseconds, why)} in `results`."""

    def __init__(self, names, options):
        self.options = options
        self.names = queue.Queue()
        for name in names:
            self.names.put(name)
        self.results = {}
        threads = [threading.Thread(target=self.work) for _ in range(options.jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def start_worker(self):
        command = [sys.executable, __file__, "--serve", self.options.suite, self.options.target, self.options.mode]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, worker, name):
        """The worker's answer; None when it died."""
        worker.stdin.write(name + "\n")
        worker.stdin.flush()
        late = threading.Event()
        timer = threading.Timer(LIMIT_S, lambda: (late.set(), worker.kill()))
        timer.start()
        line = worker.stdout.readline()
        timer.cancel()
        if line:
            kind, ms, why = line.rstrip("\n").split("\t", 2)
            return kind, float(ms), why
        code = worker.wait()
        return ("crash", 0.0, f"takes more than {LIMIT_S} s") if late.is_set() else ("crash", 0.0, f"the process ended with {code}")

    def work(self):
        worker = None
        while True:
            try:
                name = self.names.get_nowait()
            except queue.Empty:
                break
            worker = worker or self.start_worker()
            self.results[name] = answer = self.ask(worker, name)
            if answer[0] == "crash":
                worker = None
            if self.options.details:
                print(f"{name}: {answer[0]}: {answer[2]}", flush=True)
        if worker:
            worker.stdin.close()
            worker.wait()


def print_summary(cases, chosen, results):
    by_operator = collections.defaultdict(collections.Counter)
    for name in chosen:
        by_operator[operator_of(cases[name])][results[name][0]] += 1
    for operator, counts in sorted(by_operator.items()):
        if counts["pass"] != sum(counts.values()):
            print(f"{operator:28s} " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))
    total = collections.Counter(kind for kind, _, _ in results.values())
    print(f"{len(chosen)} cases: " + ", ".join(f"{n} {kind}" for kind, n in total.most_common()))
    print(f"median case (compile and run): {statistics.median(ms for _, ms, _ in results.values()):.0f} ms")


def update(cases, chosen, results, options):
    if options.releases:
        return write_releases({n: (opset_of(cases[n]), *results[n]) for n in chosen})
    kept = {}
    if options.filter:
        kept = {n: o for n, o in passed_cases(options.target, options.mode).items() if n not in results}
    kept.update({n: operator_of(cases[n]) for n in chosen if results[n][0] == "pass"})
    header = "# Cases of the onnx package's backend suite that pass, with their operator; written by scripts/conformance --update.\n"
    path = list_of(options.target, options.mode)
    path.parent.mkdir(exist_ok=True)
    path.write_text(header + "".join(f"{name} {operator}\n" for name, operator in sorted(kept.items())))
    if not options.filter:
        write_report(options.target, options.mode, {n: (operator_of(cases[n]), *results[n]) for n in chosen})


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(*sys.argv[2:])
    parser = argparse.ArgumentParser(prog="scripts/conformance", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--mode", choices=MODES, default="static")
    parser.add_argument("--releases", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--filter", default="")
    parser.add_argument("--details", action="store_true", help="one line per case as it ends: verdict and why")
    options = parser.parse_args()
    options.suite = "onnx"
    if options.releases:
        options.suite = str(FETCHED)
        for release in RELEASES:
            fetch(FETCHED, release)
    cases = suite_cases(options.suite)
    chosen = sorted(name for name in cases if options.filter in name)
    if not chosen:
        sys.exit(f"no case has '{options.filter}' in its name")
    start = time.perf_counter()
    results = Run(chosen, options).results
    print_summary(cases, chosen, results)
    print(f"took {time.perf_counter() - start:.0f} s")
    if options.update:
        update(cases, chosen, results, options)


if __name__ == "__main__":
    main()

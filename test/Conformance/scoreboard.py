#!/usr/bin/env python3
"""Runs the whole backend suite of the onnx package and says what passes; --update writes passed.txt, which the tests hold us to.

usage: scoreboard.py [--update] [-j N] [--filter TEXT] [--details]
Each worker is a process of its own, so a crash costs one case and is reported as such.
"""
import argparse
import collections
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from cases import all_cases, operator_of, passed_cases, verdict  # noqa: E402
from locations import BUILD  # noqa: E402

sys.path.insert(0, str(BUILD / "python"))
LIMIT_S = 120


def serve():
    """Worker: case names on standard input, `verdict<TAB>why` lines on standard output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints goes elsewhere
    for line in sys.stdin:
        kind, why = verdict(all_cases()[line.strip()])
        print(f"{kind}\t{why}", file=answers, flush=True)


def work(names, results, details):
    worker = None
    while True:
        try:
            name = names.get_nowait()
        except queue.Empty:
            break
        if worker is None:
            worker = subprocess.Popen([sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True)
        worker.stdin.write(name + "\n")
        worker.stdin.flush()
        timer = threading.Timer(LIMIT_S, worker.kill)
        timer.start()
        answer = worker.stdout.readline()
        timer.cancel()
        if answer:
            results[name] = tuple(answer.rstrip("\n").split("\t", 1))
        else:
            results[name] = ("crash", f"worker ended with {worker.wait()}")
            worker = None
        if details:
            print(f"{name}: {results[name][0]}: {results[name][1]}", flush=True)
    if worker:
        worker.stdin.close()
        worker.wait()


def main():
    if sys.argv[1:] == ["--serve"]:
        return serve()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--filter", default="")
    parser.add_argument("--details", action="store_true", help="one line per case as it ends: verdict and why")
    options = parser.parse_args()
    chosen = sorted(name for name in all_cases() if options.filter in name)
    names, results = queue.Queue(), {}
    for name in chosen:
        names.put(name)
    threads = [threading.Thread(target=work, args=(names, results, options.details)) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_operator = collections.defaultdict(collections.Counter)
    for name in chosen:
        by_operator[operator_of(all_cases()[name])][results[name][0]] += 1
    for operator, counts in sorted(by_operator.items()):
        if counts["pass"] != sum(counts.values()):
            print(f"{operator:28s} " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))
    total = collections.Counter(kind for kind, _ in results.values())
    print(f"{len(chosen)} cases: " + ", ".join(f"{n} {kind}" for kind, n in total.most_common()))
    if options.update:
        kept = []
        if options.filter:
            kept = [n for n in passed_cases() if n not in results]
        passed = sorted(kept + [name for name in chosen if results[name][0] == "pass"])
        header = "# Cases of the onnx package's backend suite that pass, with their operator; written by scoreboard.py --update.\n"
        (HERE / "passed.txt").write_text(header + "".join(f"{name} {operator_of(all_cases()[name])}\n" for name in passed))


if __name__ == "__main__":
    main()

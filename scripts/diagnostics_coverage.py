#!/usr/bin/env python3
"""Runs the tests on a build with source coverage and compares the messages that they reach with test/Diagnostics.txt.

usage: diagnostics_coverage.py [-j N] [--update]     --update writes the list; reasons in its last part are kept
"""
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import diagnostics
import lint

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "coverage"
PROFILES = BUILD / "profiles"
PYTESTS = ("test/Python", "test/Tools", "test/Consumer", "test/Operators", "test/Conformance")


def run(command, check=True):
    environment = {**os.environ, "LLVM_PROFILE_FILE": str(PROFILES / "%4m.profraw"), "LAIC_BUILD": str(BUILD)}
    done = subprocess.run([str(c) for c in command], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
    if check and done.returncode:
        sys.exit(f"{' '.join(map(str, command))} exits {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def run_tests(jobs):
    """The tests' own results are other stages' business: instrumented code may fail where sizes or symbols are counted."""
    if not (BUILD / "build.ninja").exists():
        run(["cmake", "--preset", "coverage"])
    run(["cmake", "--build", BUILD, "-j", jobs])
    shutil.rmtree(PROFILES, ignore_errors=True)
    PROFILES.mkdir()
    run([Path(sys.executable).parent / "lit", "-q", f"-j{jobs}", BUILD / "test"], check=False)
    run(["ctest", "--test-dir", BUILD, f"-j{jobs}", "--timeout", "600"], check=False)
    run([sys.executable, "-m", "pytest", "-q", "-n", jobs, "-p", "no:cacheprovider", *PYTESTS], check=False)


def line_counts():
    """{file: {line: how often it ran}} of all programs and libraries together."""
    profile = BUILD / "all.profdata"
    run(["llvm-profdata-22", "merge", "-sparse", "-failure-mode=all", "-o", profile, *PROFILES.glob("*.profraw")])
    objects = [p for p in [*(BUILD / "bin").iterdir(), *(BUILD / "lib").glob("lib*.so.*.*"), BUILD / "lib" / "liblaic_runtime.so"]
               if p.is_file() and not p.is_symlink()]
    lcov = run(["llvm-cov-22", "export", "-format=lcov", f"-instr-profile={profile}", *[f"-object={p}" for p in objects]])
    counts, lines = {}, {}
    for row in lcov.splitlines():
        kind, _, value = row.partition(":")
        if kind == "SF":
            lines = counts.setdefault(os.path.relpath(os.path.realpath(BUILD / value), ROOT), {})
        elif kind == "DA":
            number, count = map(int, value.split(",")[:2])
            lines[number] = max(lines.get(number, 0), count)
    return counts


def reached_messages(tree, tests):
    """By line counts in C and C++; Python's and those in tables, which no line count knows, by what tests expect word for word."""
    counts = line_counts()
    for file, line, text in diagnostics.messages(tree):
        if text in tests or counts.get(file, {}).get(line):
            yield file, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    run_tests(options.jobs)
    tree = lint.Tree(ROOT)
    tests = diagnostics.tests_text(tree)
    reached = set(reached_messages(tree, tests))
    path = ROOT / diagnostics.LIST
    known, others = diagnostics.read_list(path.read_text() if path.exists() else "")
    missing = {(file, text) for file, _, text in diagnostics.messages(tree)} - reached
    if options.update:
        path.write_text(diagnostics.write_list({entry for entry in reached if entry[1] not in tests}, {entry: others.get(entry, "") for entry in missing}))
        print(f"{len(reached)} messages are reached, {len(missing)} are not")
        return 0
    lost = sorted((known & missing) | (missing - others.keys()))
    print("\n".join(f"{file}: no test reaches '{text}'" for file, text in lost))
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs every test of the project on a built tree and adds up the results; scripts/check is the way in.

Stages run one after the other and each prints one line. Every test counts once: a lit file, a GoogleTest case, a pytest case, a
lint rule. A build that fails counts as one failed test. Failures are printed in full where they happen and by name at the end.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
STARTED = time.monotonic()
STAGE_LIMIT_S = 3600


@dataclass
class Result:
    """What one stage found: how many passed, names of the failed, (name, reason) of the skipped."""

    passed: int = 0
    failed: list = field(default_factory=list)
    skipped: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def line(self):
        return f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"


def say(text):
    elapsed = int(time.monotonic() - STARTED)
    print(f"[{elapsed // 60:3d}:{elapsed % 60:02d}] {text}", flush=True)


def run(command, log, env=None):
    """Runs a command without a terminal, output into a log file; returns the exit code (124 after the limit)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as out:
        try:
            return subprocess.run([str(c) for c in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out,
                                  stderr=subprocess.STDOUT, timeout=STAGE_LIMIT_S, env={**os.environ, **(env or {})}).returncode
        except subprocess.TimeoutExpired:
            return 124


def tail(log, lines=40):
    text = log.read_text(errors="replace").splitlines()
    print("\n".join("    " + line for line in text[-lines:]), flush=True)


def read_junit(path, prefix):
    """pytest's and ctest's XML report."""
    result = Result()
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{prefix}: {case.get('classname', '').split('.')[-1]}.{case.get('name')}"
        failure = case.find("failure") if case.find("failure") is not None else case.find("error")
        skip = case.find("skipped")
        if failure is not None or case.get("status") == "fail":
            result.failed.append(name)
            text = failure.text if failure is not None and failure.text else case.findtext("system-out") or ""
            print(f"--- {name}\n{text.strip()[-6000:]}", flush=True)
        elif skip is not None:
            result.skipped.append((name, skip.get("message") or "no reason given"))
        else:
            result.passed += 1
    return result


def build(preset, folder, jobs, options=()):
    """Configures where needed and builds; a Result that holds the failure, or None."""
    log = BUILD / "check" / f"build-{folder.name}.log"
    if not (folder / "build.ninja").exists():
        if run(["cmake", "--preset", preset, "-B", folder, *options], log):
            tail(log)
            return Result(failed=[f"configure {folder.name}"])
    if run(["cmake", "--build", folder, "-j", str(jobs)], log):
        tail(log)
        return Result(failed=[f"build {folder.name}"])
    return None


def run_lit(folder, jobs, name="lit", env=None):
    report, log = BUILD / "check" / f"{name}.json", BUILD / "check" / f"{name}.log"
    report.unlink(missing_ok=True)
    if not (folder / "test" / "lit.site.cfg.py").exists():
        return Result(failed=[f"{name}: {folder.name} has no lit configuration"])
    code = run([Path(sys.executable).parent / "lit", "-v", f"-j{jobs}", "--allow-empty-runs", "-o", report, folder / "test"], log, env)
    result = Result()
    if not report.exists():
        tail(log)
        return Result(failed=[f"{name}: lit ended with code {code}"])
    for test in json.loads(report.read_text())["tests"]:
        title = f"{name}: {test['name'].split(' :: ')[-1]}"
        if test["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
            result.passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED"):
            result.skipped.append((title, test["output"].strip().splitlines()[-1] if test["output"].strip() else "unsupported here"))
        else:
            result.failed.append(title)
            print(f"--- {title}\n{test['output'].strip()[-6000:]}", flush=True)
    return result


def run_ctest(folder, jobs, name, label=None, sanitizers=None):
    """`sanitizers`: further options of theirs, by environment variable."""
    report, log = BUILD / "check" / f"{name}.xml", BUILD / "check" / f"{name}.log"
    report.unlink(missing_ok=True)
    select = ["-L", label] if label else []
    env = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1", "UBSAN_OPTIONS": "print_stacktrace=1",
           "TSAN_OPTIONS": "second_deadlock_stack=1"}
    for variable, options in (sanitizers or {}).items():
        env[variable] += ":" + options
    code = run(["ctest", "--test-dir", folder, f"-j{jobs}", "--timeout", "600", "--output-on-failure", "--no-tests=ignore",
                "--output-junit", report, *select], log, env)
    if not report.exists():
        if code == 0:
            return Result()
        tail(log)
        return Result(failed=[f"{name}: ctest ended with code {code}"])
    return read_junit(report, name)


def run_pytest(jobs, name, *folders):
    report, log = BUILD / "check" / f"{name}.xml", BUILD / "check" / f"{name}.log"
    report.unlink(missing_ok=True)
    code = run([sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "-p", "no:cacheprovider", "--dist", "worksteal",
                f"--junitxml={report}", *folders], log, {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"})
    if code == 5:  # nothing collected
        return Result()
    if not report.exists():
        tail(log)
        return Result(failed=[f"{name}: pytest ended with code {code}"])
    return read_junit(report, name)


def run_models(jobs):
    """The model tests, then one line per model: compile time, size, error."""
    result = run_pytest(jobs, "models", "test/Models")
    for line in sorted((BUILD / "dev" / "models").glob("*.txt")):
        print("    " + line.read_text().rstrip())
    return result


def run_lint():
    import lint

    result = Result()
    for rule, problems in lint.check(ROOT):
        if problems:
            result.failed.append(f"lint: {rule}")
            print(f"--- lint: {rule}\n" + "\n".join("    " + p for p in problems), flush=True)
        else:
            result.passed += 1
    return result


def sanitized(preset, jobs):
    """Runtime, lib/Artifact and the first stage of import, which need no MLIR, under a sanitizer."""
    folder = BUILD / preset
    failure = build(preset, folder, jobs, ["-DLAIC_BUILD_COMPILER=OFF"])
    return failure or run_ctest(folder, jobs, preset)


def run_diagnostics(jobs):
    """Which messages the tests reach, by source coverage, against the committed list."""
    log = BUILD / "check" / "diagnostics.log"
    if run([sys.executable, "scripts/diagnostics_coverage.py", "-j", jobs], log):
        tail(log)
        return Result(failed=["diagnostics: messages that no test reaches"])
    return Result(passed=1)


def whole_sanitized(preset, jobs):
    """The whole compiler under a sanitizer: lit and unit tests."""
    folder = BUILD / f"{preset}-all"
    failure = build(preset, folder, jobs)
    if failure:
        return failure
    # LLVM itself is not instrumented: containers that cross the border look overflown, leaks are LLVM's own, and what it publishes by
    # its own atomics looks like a race.
    env = {"ASAN_OPTIONS": "detect_leaks=0:detect_container_overflow=0", "TSAN_OPTIONS": "ignore_noninstrumented_modules=1"}
    result = run_lit(folder, jobs, f"{preset}-lit", env)
    result.add(run_ctest(folder, jobs, f"{preset}-unit", sanitizers={"TSAN_OPTIONS": env["TSAN_OPTIONS"]}))
    return result


def stages(jobs, everything):
    dev = BUILD / "dev"
    os.environ["LAIC_CHECK_ALL"] = "1" if everything else ""
    yield "lint", "lint rules", run_lint
    yield "lit", "lit suite", lambda: run_lit(dev, jobs)
    yield "unit", "unit tests", lambda: run_ctest(dev, jobs, "unit")
    yield "python", "Python package, command lines, installed tree", lambda: run_pytest(jobs, "python", "test/Python", "test/Tools", "test/Consumer")
    yield "devices", "other targets: lavapipe, the PTX interpreter, C simulation", lambda: run_pytest(jobs, "devices", "test/Targets")
    yield "operators", "operator cases against onnxruntime and the onnx package", lambda: run_pytest(jobs, "operators", "test/Operators")
    yield "conformance", "the onnx package's backend suite, mutated and random graphs, accuracy", lambda: run_pytest(jobs, "conformance", "test/Conformance", "test/Accuracy")
    yield "quantize", "quantisation, and models written as ONNX, beside onnxruntime", lambda: run_pytest(jobs, "quantize", "test/Quantize", "test/Export")
    yield "models", "models end to end", lambda: run_models(jobs)
    yield "asan", "runtime and readers under AddressSanitizer and UBSan", lambda: sanitized("asan", jobs)
    yield "tsan", "runtime under ThreadSanitizer", lambda: sanitized("tsan", jobs)
    if everything:
        yield "diagnostics", "messages that the tests reach, by source coverage", lambda: run_diagnostics(jobs)
        yield "places", "docs/AddingAnOp.md followed in a copy of the tree", lambda: run_pytest(1, "places", "test/Places")
        yield "wheel", "the Python wheel in an environment of its own", lambda: run_pytest(1, "wheel", "test/Wheel")
        yield "asan-all", "whole compiler under AddressSanitizer", lambda: whole_sanitized("asan", jobs)
        yield "tsan-all", "whole compiler under ThreadSanitizer", lambda: whole_sanitized("tsan", jobs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="", help="comma-separated stage names")
    options = parser.parse_args()
    shutil.rmtree(BUILD / "check", ignore_errors=True)
    (BUILD / "check").mkdir(parents=True)
    chosen = list(stages(options.jobs, options.all))
    if options.only:
        wanted = set(options.only.split(","))
        unknown = wanted - {name for name, _, _ in chosen}
        if unknown:
            parser.error(f"unknown stages: {', '.join(sorted(unknown))}")
        chosen = [stage for stage in chosen if stage[0] in wanted]
    total = Result()
    for number, (name, title, action) in enumerate(chosen, 1):
        say(f"check {number}/{len(chosen)} {name}: {title} ...")
        begun = time.monotonic()
        result = action()
        total.add(result)
        say(f"check {number}/{len(chosen)} {name}: {result.line()} ({time.monotonic() - begun:.0f} s)")
    for name, reason in total.skipped:
        print(f"skipped  {name}: {reason}")
    for name in total.failed:
        print(f"FAILED   {name}")
    print(total.line())
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    main()

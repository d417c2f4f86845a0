#!/usr/bin/env python3
"""Runs operator cases through the whole compiler and compares with onnxruntime and the onnx package.

usage: run.py [FILTER...] [--static|--dynamic] [--target=T [--chip=C]] [--list] [--keep DIR]

A FILTER is part of a case's title or of its file's name. Cases come from cases_*.py beside this file, each with a list
CASES. Many cases are compiled as one model; a batch that fails is halved until the cases that break it are alone.
"""
import argparse
import collections
import concurrent.futures
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from case import assemble  # noqa: E402
from locations import BUILD  # noqa: E402

BATCH = 16
TIMEOUT = 60  # seconds for one command

# Element types that numpy lacks: integers of less than a byte, and floats of at most one, whose values are compared exactly.
INTEGERS = tuple(np.dtype(t) for t in (ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2))
CODES = tuple(np.dtype(getattr(ml_dtypes, f"float{name}")) for name in
              ("8_e4m3fn", "8_e4m3fnuz", "8_e5m2", "8_e5m2fnuz", "8_e8m0fnu", "4_e2m1fn"))

Result = collections.namedtuple("Result", "family title variant why")  # why: empty for a pass


class Run:
    """One case in one variant."""

    def __init__(self, family, index, case, dynamic):
        self.family, self.case, self.dynamic = family, case, dynamic
        self.prefix = f"{family}{index}{'d' if dynamic else 's'}_"

    def result(self, why):
        return Result(self.family, self.case.title(), "dynamic" if self.dynamic else "static", why)


def load(filters, variants):
    """All runs that the filters choose, by opset."""
    runs = []
    for path in sorted(HERE.glob("cases_*.py")):
        family = path.stem[len("cases_"):]
        for index, case in enumerate(importlib.import_module(path.stem).CASES):
            if filters and not any(f in case.title() or f in path.stem for f in filters):
                continue
            for dynamic in (False, True):
                if (dynamic and not case.dynamic) or ("dynamic" if dynamic else "static") not in variants:
                    continue
                runs.append(Run(family, index, case, dynamic))
    return runs


def execute(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return 1, f"{Path(command[0]).name}: still running after {TIMEOUT} s"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    failed = [line for line in lines if "error" in line]
    return done.returncode, (failed or lines or [f"exit {done.returncode}"])[0][:300]


def compare(case, names, outputs, prefix):
    return differences(case, names, outputs, prefix, *case.expected())


def carried(array):
    """The array as npz holds it: bits of floats that numpy lacks, values of integers that it lacks, text of fixed width."""
    if array.dtype.kind == "O":
        return array.astype(np.str_)
    if array.dtype in INTEGERS:
        return array.astype(np.uint8 if array.dtype.name.startswith("u") else np.int8)
    return array.view(np.uint8 if array.dtype in CODES else np.uint16) if array.dtype in (*CODES, ml_dtypes.bfloat16) else array


def differences(case, names, outputs, prefix, expected, oracle):
    """The first place where outputs are not as expected; empty for none."""
    for name, want in zip(names, expected):
        if name not in outputs:
            return f"{name}: missing"
        got, want = outputs[name], np.asarray(want)
        if want.dtype.kind in "OU" and got.dtype.kind in "US":
            got, want = got.astype(object), want.astype(object)
        if got.dtype == carried(want).dtype:
            got = got.astype(want.dtype) if want.dtype in INTEGERS else got.view(want.dtype)
        if got.shape != want.shape:
            return f"{name}: shape {list(got.shape)}, expected {list(want.shape)} ({oracle})"
        if got.dtype != want.dtype:
            return f"{name}: type {got.dtype}, expected {want.dtype} ({oracle})"
        if want.dtype in CODES:
            got, want = got.astype(np.float32), want.astype(np.float32)
            wrong = np.argwhere(~((got == want) & (np.signbit(got) == np.signbit(want)) | (np.isnan(got) & np.isnan(want))))
        elif want.dtype.kind != "f" and want.dtype != ml_dtypes.bfloat16:
            far = np.abs(got.astype(np.int64) - want.astype(np.int64)) > case.quanta if case.quanta else got != want
            wrong = np.argwhere(np.asarray(far))
        else:
            a, b = got.astype(np.float64), want.astype(np.float64)
            finite = np.abs(b[np.isfinite(b)])
            rtol = max(case.rtol, 2e-3 if want.dtype == np.float16 else 0)
            allowed = rtol * np.abs(b) + max(case.atol, rtol / 10) * (finite.max() if finite.size else 0) + 1e-12
            with np.errstate(invalid="ignore"):
                wrong = np.argwhere(~((np.abs(a - b) <= allowed) | (a == b) | (np.isnan(a) & np.isnan(b))))
        if len(wrong):
            at = tuple(wrong[0])
            return f"{name}: {len(wrong)} of {want.size} wrong, first at {list(map(int, at))}: {got[at]}, expected {want[at]} ({oracle})"
    return ""


def judge(run, values):
    return compare(run.case, run.case.ports(run.prefix), values, run.prefix)


def check(runs, folder, judge, options=("--target=cpu",)):
    """Results of one batch; halves it when the whole cannot be compiled or run. judge: (run, outputs by name) -> why it is wrong.
    options: what laic gets beside the model."""
    model = assemble([run.case.parts(run.prefix, run.dynamic) for run in runs], runs[0].case.opset, runs[0].case.domain_opset)
    stem = folder / runs[0].prefix
    path, artifact, inputs, outputs = (stem.with_name(f"{stem.name}{len(runs)}{s}") for s in (".onnx", ".bin", ".in.npz", ".out.npz"))
    path.write_bytes(model.SerializeToString())
    feeds = {}
    for run in runs:
        feeds.update(run.case.feeds(run.prefix))
    np.savez(inputs, **{name: carried(a) for name, a in feeds.items()})
    code, why = execute([BUILD / "bin" / "laic", path, "-o", artifact, "-q", *options])
    if code == 0:
        code, why = execute([BUILD / "bin" / "laic-run", artifact, "--inputs", inputs, "--outputs", outputs])
        why = f"run: {why}"
    if code != 0 and len(runs) > 1:
        middle = len(runs) // 2
        return check(runs[:middle], folder, judge, options) + check(runs[middle:], folder, judge, options)
    if code != 0:
        return [runs[0].result(why)]
    with np.load(outputs) as data:
        values = {name: data[name] for name in data.files}
    results = []
    for run in runs:
        try:
            results.append(run.result(judge(run, values)))
        except Exception as error:  # noqa: BLE001 - a case without an oracle is a failing case
            results.append(run.result(f"{type(error).__name__}: {error}"))
    return results


def check_all(runs, folder, judge=judge, options=("--target=cpu",)):
    groups = collections.defaultdict(list)
    for run in runs:
        groups[run.family, run.case.opset, run.case.domain_opset].append(run)
    batches = [group[i:i + BATCH] for group in groups.values() for i in range(0, len(group), BATCH)]
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return [result for results in pool.map(lambda batch: check(batch, folder, judge, options), batches) for result in results]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filters", nargs="*")
    parser.add_argument("--static", action="store_true", help="only models with static shapes")
    parser.add_argument("--dynamic", action="store_true", help="only models with symbolic dims")
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--chip", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", metavar="DIR", help="leave models, artifacts and tensors there")
    options = parser.parse_args()
    variants = [v for v in ("static", "dynamic") if getattr(options, v)] or ["static", "dynamic"]
    runs = load(options.filters, variants)
    if options.list:
        for run in runs:
            print(run.family, run.case.title(), "dynamic" if run.dynamic else "static", run.prefix)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        results = check_all(runs, folder, options=[f"--target={options.target}", *([f"--chip={options.chip}"] if options.chip else [])])
    failures = [r for r in results if r.why]
    for r in failures:
        print(f"FAIL {r.family} {r.title} [{r.variant}]\n     {r.why}")
    print(f"{len(results) - len(failures)} of {len(results)} passed")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())

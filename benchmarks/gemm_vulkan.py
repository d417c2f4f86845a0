#!/usr/bin/env python3
"""Times a 512x512x512 product of f32 by the Vulkan target beside a naive lowering of it, on lavapipe or another driver.

usage: gemm_vulkan.py [-o RESULTS.json] [--rounds 7] [--calls 3] [--icd FILE.json]

The naive kernel (gemm_naive.mlir) goes through the same compiler, runtime and driver, from the phase on where kernels are made: one
invocation per element, no tiles, no packing. Every measurement is a process of its own, the two interleaved; it takes the median of
its calls, which copy the operands in and the result out, and the median over all rounds counts. Wrong results fail (exit 1).
"""
import argparse
import datetime
import glob
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from run import ROOT, machine

N = 512
FLOPS = 2 * N**3
FOLDER = ROOT / "build" / "models" / "gemm_vulkan"
NAIVE = Path(__file__).with_name("gemm_naive.mlir")


def execute(*command, env=None):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"error: {Path(command[0]).name} exits {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout + done.stderr


def compile_both(options):
    """Artifacts by name."""
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [N, N])  # noqa: E731
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "gemm", [value("a"), value("b")], [value("c")])
    FOLDER.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), FOLDER / "tiled.onnx")
    (FOLDER / "naive.mlir").write_text(NAIVE.read_text())
    (FOLDER / "naive.weights").write_text("{}\n")  # a dump's weights lie beside it
    laic = options.build / "bin" / "laic"
    execute(laic, FOLDER / "tiled.onnx", "--target=vulkan", "-o", FOLDER / "tiled.bin")
    execute(laic, FOLDER / "naive.mlir", "--from=dispatch", "--target=vulkan", "-o", FOLDER / "naive.bin")
    return {name: FOLDER / f"{name}.bin" for name in ("tiled", "naive")}


def check(options, artifacts, env):
    """The largest error of each, as a share of the largest element, against numpy in f64."""
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((N, N)).astype("f4") for _ in range(2))
    want = a.astype("f8") @ b.astype("f8")
    np.savez(FOLDER / "in.npz", a=a, b=b)
    errors = {}
    for name, artifact in artifacts.items():
        execute(options.build / "bin" / "laic-run", artifact, "--device=vulkan", "--require-device", "--inputs", FOLDER / "in.npz", "--outputs",
                FOLDER / "out.npz", env=env)
        with np.load(FOLDER / "out.npz") as got:
            errors[name] = float(np.abs(got["c"] - want).max() / np.abs(want).max())
        if errors[name] > 1e-5:
            sys.exit(f"error: {name} is off by {errors[name]:g} of the largest element")
    return errors


def device(options, artifact, env):
    text = execute(options.build / "bin" / "laic-run", artifact, "--device=vulkan", "--require-device", "--explain", env=env)
    return next((line.split("'")[1] for line in text.splitlines() if line.startswith("using '")), "?")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=3, help="of a process, after one that warms up")
    parser.add_argument("--icd", help="the driver's file for the Vulkan loader; default: lavapipe's")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    options = parser.parse_args()
    icd = options.icd or next(iter(sorted(glob.glob("/usr/share/vulkan/icd.d/lvp_icd*.json"))), None)
    if not icd:
        sys.exit("error: lavapipe is not installed; --icd names another driver")
    env = {**os.environ, "VK_ICD_FILENAMES": icd}
    artifacts = compile_both(options)
    errors = check(options, artifacts, env)
    rounds = {name: [] for name in artifacts}
    for number in range(options.rounds):
        for name in list(artifacts)[::1 if number % 2 == 0 else -1]:
            text = execute(options.build / "bin" / "laic-run", artifacts[name], "--device=vulkan", "--require-device", f"--bench={options.calls}",
                           "--json", env=env)
            rounds[name].append(json.loads(next(line for line in text.splitlines() if line.startswith("{")))["median_ms"])
        print(f"round {number + 1}: " + ", ".join(f"{name} {times[-1]:.0f} ms" for name, times in rounds.items()), file=sys.stderr, flush=True)
    median = {name: statistics.median(times) for name, times in rounds.items()}
    ratios = [naive / tiled for naive, tiled in zip(rounds["naive"], rounds["tiled"])]
    revision = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    report = {"command": "benchmarks/gemm_vulkan.py " + " ".join(sys.argv[1:]), "date": datetime.date.today().isoformat(), "revision": revision,
              "machine": machine(), "device": device(options, artifacts["tiled"], env), "calls_per_process": options.calls, "error": errors,
              "median_ms": median, "gflops": {name: FLOPS / ms / 1e6 for name, ms in median.items()}, "rounds_ms": rounds,
              "naive_over_tiled": median["naive"] / median["tiled"], "naive_over_tiled_of_rounds": [min(ratios), max(ratios)]}
    for name, ms in median.items():
        print(f"{name:6s} {ms:9.1f} ms {FLOPS / ms / 1e6:7.2f} GFLOP/s")
    print(f"naive / tiled: {report['naive_over_tiled']:.1f}x (rounds: {min(ratios):.1f}x to {max(ratios):.1f}x)")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

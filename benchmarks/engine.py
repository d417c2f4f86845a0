#!/usr/bin/env python3
"""Measures one engine on one model in a process of its own and prints a line of JSON.

usage: engine.py laic ARTIFACT FEED.npz [options]            through the Python package, arrays bound once
       engine.py onnxruntime MODEL.onnx FEED.npz [options]   all graph optimisations, arrays bound once

load_ms: from the file to a model that can be called; first_ms: the first inference, allocations included; median_ms, min_ms and
p90_ms: later inferences, after warm-up.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
MAX_RUNS = 20000


def open_laic(path, feed, options):
    sys.path.insert(0, str(options.build / "python"))
    import laic
    import laic._runtime

    laic._runtime.runtime()  # opens the library, as importing onnxruntime does
    begun = time.perf_counter()
    model = laic.load(path, threads=options.threads, verify=options.verify)
    loaded = time.perf_counter()
    call = model.bind(feed)
    return (loaded - begun) * 1e3, call, lambda: dict(call.outputs)


def open_onnxruntime(path, feed, options):
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.log_severity_level = 3
    begun = time.perf_counter()
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter()
    binding = session.io_binding()
    for name, array in feed.items():
        binding.bind_cpu_input(name, array)
    names = [o.name for o in session.get_outputs()]
    for name in names:
        binding.bind_output(name)
    return (loaded - begun) * 1e3, lambda: session.run_with_iobinding(binding), lambda: dict(zip(names, binding.copy_outputs_to_cpu()))


def measure(call, seconds):
    begun = time.perf_counter()
    call()
    first = (time.perf_counter() - begun) * 1e3
    until = time.perf_counter() + seconds / 4
    while time.perf_counter() < until:
        call()
    times, until = [], time.perf_counter() + seconds
    while (time.perf_counter() < until or len(times) < 3) and len(times) < MAX_RUNS:
        begun = time.perf_counter()
        call()
        times.append((time.perf_counter() - begun) * 1e3)
    return {"first_ms": first, "median_ms": float(np.median(times)), "min_ms": float(np.min(times)),
            "p90_ms": float(np.percentile(times, 90)), "runs": len(times)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=("laic", "onnxruntime"))
    parser.add_argument("model")
    parser.add_argument("feed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--verify", choices=("full", "structure"), default="full")
    parser.add_argument("--outputs", help="also write the outputs to this npz")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    options = parser.parse_args()
    with np.load(options.feed) as data:
        feed = {name: np.ascontiguousarray(data[name]).reshape(data[name].shape) for name in data.files}
    opener = open_laic if options.engine == "laic" else open_onnxruntime
    load, call, outputs = opener(options.model, feed, options)
    result = {"engine": options.engine, "threads": options.threads, "load_ms": load, **measure(call, options.seconds)}
    if options.outputs:
        np.savez(options.outputs, **outputs())
    print(json.dumps(result))


if __name__ == "__main__":
    main()

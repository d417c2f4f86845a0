#!/usr/bin/env python3
"""Measures one engine on models in a process of its own and prints a line of JSON for each.

usage: engine.py ENGINE MODEL FEED.npz [MODEL FEED.npz]... [options]     ENGINE: laic, onnxruntime, openvino, openvino-bf16, ncnn, iree,
       openblas
       engine.py ENGINE MODEL.onnx FEED.npz --prepare FOLDER             converts for an engine that has a format of its own

MODEL is what --prepare printed: an artifact for laic, the .onnx file itself for onnxruntime and openvino. load_ms: from the file to a
model that can be called; first_ms: the first inference, allocations included; median_ms, min_ms and p90_ms: later inferences, after
warm-up; start_rss_mib and peak_rss_mib: the process before loading the first model, and at its highest.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from engines import ENGINES, Refused

ROOT = Path(__file__).resolve().parent.parent
MAX_RUNS = 20000


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


def memory(field):
    """MiB of this process: VmRSS now, VmHWM at its highest."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def read_feed(path):
    with np.load(path) as data:
        return {name: np.ascontiguousarray(data[name]).reshape(data[name].shape) for name in data.files}


def one(engine, model, feed, options):
    start = memory("VmRSS")
    session = engine.open(model, feed, options)
    result = {"load_ms": session.load_ms, **measure(session.call, options.seconds)}
    result |= {"start_rss_mib": start, "peak_rss_mib": memory("VmHWM")}
    if options.outputs:
        np.savez(options.outputs, **session.outputs())
    return result


def prepare(engine, model, feed, options):
    options.prepare.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    path = Path(engine.prepare(Path(model).resolve(), feed, options.prepare.resolve()))
    size = sum(p.stat().st_size for p in (path, path.with_suffix(".bin")) if p.exists())
    return {"path": str(path), "seconds": time.perf_counter() - begun, "bytes": size}


def attempt(action):
    """What happened in one line, and in the exit code: a refusal is a result too."""
    try:
        return action()
    except ModuleNotFoundError as error:
        return {"error": f"not installed ({error}); scripts/setup-benchmarks installs it"}
    except Refused as error:
        return {"error": str(error).splitlines()[0]}
    except Exception as error:
        text = (str(error).strip().splitlines() or [""])[0]
        return {"error": f"{type(error).__name__}: {text}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("files", nargs="+", metavar="MODEL FEED")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--verify", choices=("full", "structure"), default="full")
    parser.add_argument("--dims", type=json.loads, default={}, help="sizes of symbolic dims as JSON, for onnxruntime, which fixes them")
    parser.add_argument("--outputs", help="also write the outputs of the last model to this npz")
    parser.add_argument("--prepare", type=Path, metavar="FOLDER", help="only convert, into this folder")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    options = parser.parse_args()
    if len(options.files) % 2:
        parser.error("a model and its inputs come in pairs")
    engine, failed = ENGINES[options.engine], False
    action = prepare if options.prepare else one
    for model, feed in zip(options.files[::2], options.files[1::2]):
        result = attempt(lambda: action(engine, model, read_feed(feed), options))
        failed |= "error" in result
        print(json.dumps({"engine": options.engine, "threads": options.threads, **result}), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Times laic beside onnxruntime, OpenVINO, ncnn and IREE, and writes what is needed to judge the figures.

usage: compare.py [MODEL...] [--set f32|int8|decode|small] [-o benchmarks/results/NAME.json]      whole models
       compare.py --profile MODEL [--threads 1]                                                   our dispatches of one model, beside the machine's limits
       compare.py --kernels [--random 60] [-o benchmarks/results/NAME.json]                       single operators, one thread
       compare.py --render                                                                        results/*.json into docs/Performance.md

MODEL is a name of ../shared/zoo (NAME@past=127,... binds dims to other sizes than its benchmark's), a file name of ../shared/models without
suffix, `digits`, or a path of an .onnx file with an .npz of inputs beside it. Every measurement is a process of its own, engines take turns
in alternating order, and the median over all rounds counts. Ratios are the best f32 peer's time over ours: above 1 we are faster. A peer
that is not there, refuses, dies or hangs is named with its reason. Our wrong results fail (exit 1); slow ones never do.
scripts/setup-benchmarks installs the peers.
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np

import limits
import report
from engines import ENGINES, Engine
from processes import PEERS, PYTHON, ROOT, CompileError, Contender, compile_model, run_engine
from workloads import MODELS, SETS, Unknown, resolve, weight_bytes

sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test" / "Models")]
from harness import Wrong, oracle, quanta  # noqa: E402
from test_zoo import compare_detections, compare_outputs, is_detector, most_accurate  # noqa: E402

DEFAULT = ("resnet50", "mobilenet_v2", "bert_base")


def load_times(options, artifact):
    """Median ms of loading with each kind of verification, beside reading the file from the page cache."""
    sys.path.insert(0, str(options.build / "python"))
    import laic

    def median(action):
        action()
        times = []
        for _ in range(9):
            begun = time.perf_counter()
            action()
            times.append((time.perf_counter() - begun) * 1e3)
        return statistics.median(times)

    buffer = bytearray(1 << 20)

    def read():
        with open(artifact, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    return {"structure_ms": median(lambda: laic.load(artifact, threads=1, verify="structure")),
            "full_ms": median(lambda: laic.load(artifact, threads=1)), "read_ms": median(read)}


def prepared(options, label, work, folder):
    """A peer as a contender, with its own format made where it has one."""
    contender = Contender(label, label, work.model, MODELS / f"{work.stem}.{label}.out.npz")
    if type(ENGINES[label]).prepare is not Engine.prepare:
        shutil.rmtree(folder, ignore_errors=True)
        result = next(run_engine(label, [(work.model, work.feed)], options, extra=[f"--prepare={folder}"]))
        contender.reason = result.get("error")
        if not contender.reason:
            contender.path = Path(result["path"])
            contender.notes = {"prepare_seconds": result["seconds"], "prepared_bytes": result["bytes"]}
    return contender


def take_turns(options, work, contenders):
    """All rounds; contenders that fail are named and left out from then on."""
    for number in range(options.rounds):
        for threads in options.threads:
            for contender in contenders if number % 2 == 0 else contenders[::-1]:
                if contender.reason:
                    continue
                extra = [f"--dims={json.dumps(work.dims)}"] + ([] if contender.rounds else [f"--outputs={contender.outputs}"])
                contender.take(next(run_engine(contender.engine, [(contender.path, work.feed)], options, threads, extra)), threads)


def expected(work):
    """The oracle's outputs, kept in the build tree."""
    exact = most_accurate(work.model)  # a copy where the model allows onnxruntime to round what it need not
    with np.load(work.feed) as feed:
        want = oracle(exact, {n: feed[n] for n in feed.files}, MODELS / "oracle")
    if exact != work.model:
        exact.unlink()
    return want


def judge(work, want, outputs):
    """In words how right outputs are, in graph order under any names; raises Wrong. A peer may drop axes or widen types."""
    with np.load(work.feed) as feed, np.load(outputs) as data:
        feed, values = {n: feed[n] for n in feed.files}, {n: data[n] for n in data.files}
    if values.keys() != want.keys():
        if len(values) != len(want):
            raise Wrong(f"{len(values)} outputs, expected {len(want)}")
        values = {n: v.astype(w.dtype).reshape(w.shape) if v.size == w.size else v for (n, w), v in zip(want.items(), values.values())}
    if is_detector(want):
        compare_detections(values, want)
        return "detections agree"
    return compare_outputs(work.model, feed, values, want, quanta(work.model))


def benchmark(options, name):
    work = resolve(name)
    result = {"dims": work.dims, "load_average": os.getloadavg()[0], "compile": {}, "load": {}, "engines": {}}
    weights, folders, scratch = weight_bytes(work.model), [], []
    contenders = []
    try:
        for label in options.engines:
            if label != "laic":
                folders.append(MODELS / f"{work.stem}.{label}")
                contenders.append(prepared(options, label, work, folders[-1]))
                continue
            for ours, dims in (("laic", work.dims), ("laic-dynamic", {}))[:1 + (options.dynamic and bool(work.dims))]:
                stem = f"{work.stem}.{ours}"
                contenders.append(Contender(ours, "laic", MODELS / f"{stem}.bin", MODELS / f"{stem}.out.npz"))
                scratch.append(contenders[-1].path)
                compiled = compile_model(options, work.model, contenders[-1].path, dims, options.compilations)
                result["compile"][ours] = {**compiled, "weight_bytes": weights, "artifact_over_weights": compiled["artifact_bytes"] / max(weights, 1)}
                result["load"][ours] = load_times(options, contenders[-1].path)
        take_turns(options, work, contenders)
        want = expected(work)
        for contender in contenders:
            if contender.engine == "laic" and contender.reason:
                raise Wrong(f"{contender.label}: {contender.reason}")
            if contender.rounds:
                try:
                    contender.notes["correct"] = judge(work, want, contender.outputs)
                except Wrong as wrong:
                    if contender.engine == "laic":
                        raise
                    contender.notes["wrong"] = str(wrong).splitlines()[0]
    finally:
        result["engines"] = {c.label: c.summary() for c in contenders}
        if not options.keep:
            work.drop(*scratch)
        for contender in contenders:
            contender.outputs.unlink(missing_ok=True)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    result["ratio"] = report.ratios(result["engines"])
    return result


def describe_run(options):
    revision = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    code = ("import json, sys; sys.path.insert(0, 'benchmarks'); from engines import ENGINES\n"
            "found = {}\n"
            "for e in ENGINES.values():\n"
            " try: found[e.package] = e.versions() if e.package else None\n"
            " except Exception: pass\n"
            "print(json.dumps({k: v for k, v in found.items() if v}))")
    versions = json.loads(subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout)
    return {"format": 1, "kind": "kernels" if options.kernels else "models", "command": "benchmarks/compare.py " + " ".join(sys.argv[1:]),
            "date": datetime.date.today().isoformat(), "revision": revision, "machine": limits.machine(), "rounds": options.rounds,
            "seconds_per_process": options.seconds, "threads": options.threads, "laic_options": options.laic_options,
            "versions": {**versions, "numpy": np.__version__, "python": platform.python_version()}}


def measure_models(options):
    """The report, written after every model, so that an interrupted run leaves what it has."""
    found = describe_run(options)
    found["limits"] = limits.measure(ROOT / "build" / "limits", options.threads)
    found["models"] = {}
    print(limits.describe(found["limits"]), file=sys.stderr, flush=True)
    for name in options.models:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            found["models"][name] = benchmark(options, name)
        except (Wrong, CompileError, Unknown) as error:
            found["models"][name] = {"error": str(error)}
        except Exception as error:  # of the oracle, say: the other models still count
            traceback.print_exc()
            found["models"][name] = {"error": f"{type(error).__name__}: {error}"}
        save(options, found)
    return found


def save(options, found):
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(found, indent=1) + "\n")


def main():
    numbers = lambda text: [int(t) for t in text.split(",")]  # noqa: E731
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--set", action="append", default=[], choices=SETS, help="a set of models; may be repeated")
    parser.add_argument("-o", "--output", type=Path, help="the JSON file; docs/Performance.md is rendered anew when it is in benchmarks/results")
    parser.add_argument("--engines", type=lambda text: text.split(","), help=f"of {','.join(ENGINES)} (default: all that take networks; for kernels laic, onnxruntime, openvino, openblas)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, help="per process, after warm-up of a quarter (default 1.5; 0.15 per kernel)")
    parser.add_argument("--threads", type=numbers, help="default 1,2; 1 for kernels")
    parser.add_argument("--timeout", type=float, default=300, help="seconds after which a compiler or an engine is killed")
    parser.add_argument("--cpu", default="x86-64-v3,x86-64-v4", help="laic's --cpu")
    parser.add_argument("--laic-options", type=str.split, default=[], help='more options for laic: --laic-options="--math=strict"')
    parser.add_argument("--dynamic", action="store_true", help="also an artifact of ours with its dims left dynamic")
    parser.add_argument("--compilations", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="keep models above 300 MB and their artifacts in build/models")
    parser.add_argument("--profile", metavar="MODEL", help="print time, GFLOP/s, GB/s and share of the limit of each dispatch of one model")
    parser.add_argument("--kernels", action="store_true", help="single operators instead of models")
    parser.add_argument("--filter", default="", help="only kernels whose name has this in it")
    parser.add_argument("--random", type=int, metavar="COUNT", help="this many kernels of odd shapes instead of those of known networks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--render", action="store_true", help="only write docs/Performance.md")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    options = parser.parse_args()
    if options.render:
        report.render(ROOT)
        return
    if options.profile:
        import dispatches

        try:
            dispatches.profile(options, options.profile, (options.threads or [1])[0])
        except (CompileError, Unknown) as error:
            parser.exit(1, f"error: {error}\n")
        return
    options.kernels |= options.random is not None
    options.models = list(dict.fromkeys([*(m for name in options.set for m in SETS[name]), *options.models])) or list(DEFAULT)
    options.engines = options.engines or (["laic", "onnxruntime", "openvino", "openblas"] if options.kernels else [e for e in ENGINES if ENGINES[e].networks])
    options.threads = options.threads or ([1] if options.kernels else [1, 2])
    options.seconds = options.seconds or (0.15 if options.kernels else 1.5)
    unknown = [e for e in options.engines if e not in ENGINES]
    if unknown:
        parser.error(f"no engine {unknown[0]!r}; there are {', '.join(ENGINES)}")
    if not PEERS.exists():
        print("note: the peers' environment is not there; scripts/setup-benchmarks makes it", file=sys.stderr)
    if options.kernels:
        import kernels

        found = kernels.measure(options, describe_run(options))
    else:
        found = measure_models(options)
    found["limits"] = limits.best(found["limits"], limits.measure(ROOT / "build" / "limits", options.threads))
    save(options, found)
    print(report.text(found))
    if options.output and options.output.resolve().parent == ROOT / "benchmarks" / "results":
        report.render(ROOT)
    sys.exit(report.wrong(found))


if __name__ == "__main__":
    main()

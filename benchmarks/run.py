#!/usr/bin/env python3
"""Compiles and times zoo models beside onnxruntime and writes one JSON with everything that is needed to judge the figures.

usage: run.py [MODEL...] [-o RESULTS.json] [--rounds 5] [--seconds 1.5] [--threads 1,2] [--cpu x86-64-v3,x86-64-v4]

MODEL is a name of ../shared/zoo (default: resnet50 mobilenet_v2 bert_base) or a path of an .onnx file with an .npz of inputs beside
it. Every measurement runs in a process of its own, engines interleaved, and the median over all rounds counts. Wrong results
fail (exit 1); slow ones never do.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "test" / "Models")]
from harness import Wrong, compare_all, oracle, quanta  # noqa: E402

ZOO = ROOT.parent / "shared" / "zoo"
MODELS = ROOT / "build" / "models"
DEFAULT = ("resnet50", "mobilenet_v2", "bert_base")
ENGINES = ("laic", "onnxruntime")


def materialise(name):
    """(model, inputs) as files; zoo skeletons are filled once and kept in the build tree."""
    if name.endswith(".onnx"):
        return Path(name), Path(name).with_suffix(".npz")
    model, feed = MODELS / f"{name}.onnx", MODELS / f"{name}.npz"
    skeleton = ZOO / f"{name}.skel.onnx"
    if not skeleton.exists():
        sys.exit(f"error: {name}: no such model; {ZOO} is not present or does not hold it")
    MODELS.mkdir(parents=True, exist_ok=True)
    if not (model.exists() and feed.exists()):
        command = [sys.executable, ZOO / "materialise.py", skeleton, "-o", model, "--inputs", feed]
        subprocess.run([str(c) for c in command], check=True, stdin=subprocess.DEVNULL)
    return model, feed


def weight_bytes(model):
    """Bytes of the initialisers and of external data."""
    import onnx

    total = 0
    for tensor in onnx.load(model, load_external_data=False).graph.initializer:
        external = {e.key: e.value for e in tensor.external_data}
        total += int(external.get("length", 0)) or len(tensor.raw_data) or tensor.ByteSize()
    return total


def anonymous_peak(process, stop):
    """Samples RssAnon of a process every 10 ms; returns a function that gives the peak in MiB."""
    peak = [0]

    def sample():
        while not stop.wait(0.01):
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                return
            for line in status.splitlines():
                if line.startswith("RssAnon:"):
                    peak[0] = max(peak[0], int(line.split()[1]))

    threading.Thread(target=sample, daemon=True).start()
    return lambda: peak[0] / 1024


def compile_model(options, model, artifact):
    """Compiles `repeat` times, cold: nothing is kept between compilations."""
    command = [str(options.build.resolve() / "bin" / "laic"), str(model), "-o", str(artifact), f"--cpu={options.cpu}"]
    seconds, peak = [], 0
    for _ in range(options.compilations):
        artifact.unlink(missing_ok=True)
        stop, begun = threading.Event(), time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        read = anonymous_peak(process, stop)
        _, errors = process.communicate()
        seconds.append(time.monotonic() - begun)
        stop.set()
        peak = max(peak, read())
        if process.returncode:
            raise Wrong(f"laic exits {process.returncode}: {errors.strip()[-2000:]}")
    weights, size = weight_bytes(model), artifact.stat().st_size
    return {"command": " ".join(command).replace(f"{ROOT}/", ""), "seconds": statistics.median(seconds), "peak_anonymous_mib": peak,
            "weight_bytes": weights, "artifact_bytes": size, "artifact_over_weights": size / max(weights, 1)}


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


def engine(options, name, model, feed, threads, outputs=None):
    command = [sys.executable, Path(__file__).parent / "engine.py", name, model, feed, f"--threads={threads}",
               f"--seconds={options.seconds}", f"--build={options.build}"] + (["--outputs", outputs] if outputs else [])
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
    if done.returncode:
        raise Wrong(f"{name} fails: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def check_outputs(model, feed, outputs):
    with np.load(feed) as data, np.load(outputs) as got:
        want = oracle(model, {n: data[n] for n in data.files}, MODELS / "oracle")
        return [str(d) for d in compare_all({n: got[n] for n in got.files}, want, quanta(model))]


def benchmark(options, name):
    model, feed = materialise(name)
    artifact, outputs = MODELS / f"{Path(name).stem}.bin", MODELS / f"{Path(name).stem}.out.npz"
    result = {"compile": compile_model(options, model, artifact), "load": load_times(options, artifact)}
    paths = {"laic": artifact, "onnxruntime": model}
    rounds = {}
    for number in range(options.rounds):
        for threads in options.threads:
            for engine_name in ENGINES if number % 2 == 0 else ENGINES[::-1]:
                keep = outputs if engine_name == "laic" and number == 0 else None
                measured = engine(options, engine_name, paths[engine_name], feed, threads, keep)
                rounds.setdefault(f"{engine_name} {threads}T", []).append(measured)
    result["correct"] = check_outputs(model, feed, outputs)
    result["latency"] = {
        key: {field: statistics.median(m[field] for m in measured) for field in ("median_ms", "min_ms", "p90_ms", "first_ms", "load_ms")}
        for key, measured in rounds.items()}
    result["ratio"] = {f"{t}T": result["latency"][f"laic {t}T"]["median_ms"] / result["latency"][f"onnxruntime {t}T"]["median_ms"]
                       for t in options.threads}
    result["rounds"] = {key: [m["median_ms"] for m in measured] for key, measured in rounds.items()}
    return result


def machine():
    """What the figures depend on. gflops: numpy's sgemm on one thread, a floor of the FMA peak; copy_gbs: memory copy."""
    info = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            info["cpu"] = line.split(":", 1)[1].strip()
            break
    code = ("import numpy as np, time\na = np.ones((1536, 1536), 'f4'); a @ a; best = 9\n"
            "for _ in range(7):\n t = time.perf_counter(); a @ a; best = min(best, time.perf_counter() - t)\n"
            "x = np.ones(1 << 26, 'f4'); y = np.empty_like(x); copy = 9\n"
            "for _ in range(5):\n t = time.perf_counter(); y[:] = x; copy = min(copy, time.perf_counter() - t)\n"
            "print(2 * 1536**3 / best / 1e9, 2 * x.nbytes / copy / 1e9)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    gflops, copy = map(float, done.stdout.split())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) >> 20
    return {**info, "cores": os.cpu_count(), "memory_gib": memory, "kernel": platform.release(), "sgemm_1t_gflops": round(gflops, 1),
            "copy_1t_gbs": round(copy, 1), "load_average": os.getloadavg()[0]}


def table(results):
    lines = [f"{'model':22s} {'compile':>8s} {'artifact':>17s} {'load s/f':>13s} {'first':>8s} "
             f"{'laic 1T':>9s} {'ORT 1T':>9s} {'ratio':>6s} {'laic 2T':>9s} {'ORT 2T':>9s} {'ratio':>6s}"]
    for name, r in results.items():
        if "error" in r:
            lines.append(f"{name:22s} FAILED: {r['error'].splitlines()[0]}")
            continue
        c, load = r["compile"], r["load"]
        line = (f"{name:22s} {c['seconds']:6.1f} s {c['artifact_bytes'] / 1e6:8.1f} MB {c['artifact_over_weights']:4.2f}x "
                f"{load['structure_ms']:5.1f}/{load['full_ms']:4.0f} ms {r['latency']['laic 1T']['first_ms'] if 'laic 1T' in r['latency'] else 0:5.1f} ms")
        for threads, ratio in r["ratio"].items():
            line += f" {r['latency']['laic ' + threads]['median_ms']:9.3f} {r['latency']['onnxruntime ' + threads]['median_ms']:9.3f} {ratio:5.2f}x"
        lines.append(line)
    return "\n".join(lines)


def main():
    import onnxruntime

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=list(DEFAULT))
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--threads", type=lambda text: [int(t) for t in text.split(",")], default=[1, 2])
    parser.add_argument("--cpu", default="x86-64-v3,x86-64-v4")
    parser.add_argument("--compilations", type=int, default=3)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    options = parser.parse_args()
    revision = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    report = {"command": "benchmarks/run.py " + " ".join(sys.argv[1:]), "date": datetime.date.today().isoformat(),
              "revision": revision, "machine": machine(), "rounds": options.rounds, "seconds_per_process": options.seconds,
              "versions": {"onnxruntime": onnxruntime.__version__, "numpy": np.__version__, "python": platform.python_version()},
              "models": {}}
    for name in options.models:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            report["models"][name] = benchmark(options, name)
        except Wrong as error:
            report["models"][name] = {"error": str(error)}
    print(table(report["models"]))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(report, indent=1) + "\n")
    sys.exit(any("error" in r for r in report["models"].values()))


if __name__ == "__main__":
    main()

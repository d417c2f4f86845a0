#!/usr/bin/env python3
"""Post-training int8 quantisation beside onnxruntime's: what the outputs keep, seconds and memory.

usage: quantize.py [NAME ...] [--samples N] [--seed K] [-o results/quantize.json]      networks of ../shared/zoo, or files of ../shared/models
       quantize.py --render                                                            results/quantize.json into docs/Quantization.md

Both get the same samples: `laic --quantize=int8 --quantize-loss=0 --emit=onnx`, and onnxruntime's quant_pre_process and quantize_static with QDQ, a scale
per channel, u8 activations and s8 weights, once for each of its ways to choose ranges; the best of those counts. SQNR is that of all float outputs
against the float model, the least of them, on the samples (fit) and on as many others (held out). Every quantised model is judged by
onnxruntime twice: as it runs models by default, where its integer kernels may saturate without dot products of bytes, and with its rewrites off,
which computes what the model says. Every quantisation is a process of its own.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from processes import anonymous_peak
from report import put

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
BUILD = Path(os.environ.get("LAIC_BUILD", ROOT / "build" / "dev"))
RESULTS = ROOT / "benchmarks" / "results" / "quantize.json"
BEGIN = "<!-- results: begin, by benchmarks/quantize.py --render -->"
NAMES = ("resnet50", "mobilenet_v2", "efficientnet_b0", "mobilenet_v3_small", "convnext_tiny", "vit_b_16", "bert_base", "distilbert_cls",
         "whisper_base_encoder", "audio/kws_f32", "audio/dtln_stage2_unrolled", "audio/basic_pitch", "text/magika_v3_3", "vision/ultraface_rfb320",
         "vision/superres_x3_dynbatch")
METHODS = ("MinMax", "Entropy", "Percentile")


def module(path, name):
    import importlib.util
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def prepare(name, folder, count, seed):
    """The float model and two sets of samples, each a list of feeds."""
    if "/" in name:
        inputs = module(SHARED / "models" / "inputs.py", "inputs")
        model = next(m for m in json.loads((SHARED / "models" / "models.json").read_text())["models"] if m["file"] == f"{name}.onnx")
        rng = np.random.default_rng(seed)

        def draw():
            shapes = {i["name"]: tuple(d if isinstance(d, int) else 1 for d in i["shape"]) for i in model["inputs"]}
            if name == "text/magika_v3_3":  # bytes
                return {i["name"]: rng.integers(0, 257, shapes[i["name"]]).astype("i4") for i in model["inputs"]}
            return {i["name"]: inputs.value(f"{name}.onnx", i["name"], i["dtype"], shapes[i["name"]], rng, 0) for i in model["inputs"]}
        return SHARED / "models" / f"{name}.onnx", [draw() for _ in range(count)], [draw() for _ in range(count)]
    zoo, path = SHARED / "zoo", folder / f"{name}.onnx"
    subprocess.check_call([sys.executable, zoo / "materialise.py", zoo / f"{name}.skel.onnx", "-o", path], stdout=subprocess.DEVNULL)

    def feed(number):
        subprocess.check_call([sys.executable, zoo / "materialise.py", zoo / f"{name}.skel.onnx", "--inputs", folder / "one.npz", "--input-seed", str(number)],
                              stdout=subprocess.DEVNULL)
        with np.load(folder / "one.npz") as data:
            return dict(data)
    return path, [feed(seed + i) for i in range(count)], [feed(seed + count + i) for i in range(count)]


def stack(feeds):
    return {name: np.stack([feed[name] for feed in feeds]) for name in feeds[0]}


def measured(command, env=None):
    """Seconds and the peak of a process's own memory in MiB, without mapped files; None where it failed."""
    log = tempfile.TemporaryFile()
    stopped, started = threading.Event(), time.monotonic()
    process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env)
    peak = anonymous_peak(process, stopped)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    stopped.set()
    if os.waitstatus_to_exitcode(status):
        log.seek(0)
        print(log.read().decode(errors="replace")[-800:], file=sys.stderr)
        return None
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mib": peak()}


def outputs(path, feeds, literal):
    """The float outputs for each feed."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if literal:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return [[o for o in session.run(None, feed) if o.dtype == np.float32] for feed in feeds]


def sqnr(want, got):
    """The least of all outputs, in decibels."""
    least = 200.0
    for i in range(len(want[0])):
        x = np.concatenate([one[i].ravel() for one in want]).astype(np.float64)
        y = np.concatenate([one[i].ravel() for one in got]).astype(np.float64)
        if (x ** 2).sum() > 0:
            least = min(least, 10 * np.log10((x ** 2).sum() / max(((x - y) ** 2).sum(), 1e-300)))
    return float(least)


def judge(quantised, path, sets):
    """What `measured` found, with the SQNR by default and literally, on the samples and on the others; None where onnxruntime refuses the model."""
    if quantised is None:
        return None
    found = dict(quantised)
    for literal in (False, True):
        for label, (feeds, want) in sets.items():
            try:
                found[f"{label}_{'literal' if literal else 'default'}_db"] = sqnr(want, outputs(path, feeds, literal))
            except Exception as error:  # onnxruntime's exceptions have no class of their own
                print(f"{path.name}: {error}", file=sys.stderr)
                return None
    return found


def run(name, options):
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model, fit, others = prepare(name, folder, options.samples, options.seed)
        sets = {"fit": (fit, outputs(model, fit, True)), "held_out": (others, outputs(model, others, True))}
        np.savez(folder / "samples.npz", **stack(fit))
        result = {"name": name, "samples": options.samples}
        ours = measured([BUILD / "bin" / "laic", model, "--quantize=int8", "--quantize-loss=0", f"--calibration={folder / 'samples.npz'}",
                         "--emit=onnx", "-o", folder / "ours.onnx"])
        result["laic"] = judge(ours, folder / "ours.onnx", sets)
        result["onnxruntime"] = {}
        for method in METHODS:
            theirs = measured([sys.executable, __file__, "--peer", method, model, folder / "samples.npz", folder / "theirs.onnx"])
            result["onnxruntime"][method] = judge(theirs, folder / "theirs.onnx", sets)
        return result


def peer(method, model, samples, path):
    """onnxruntime's quantiser, in a process of its own."""
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
    with np.load(samples) as data:
        stacked = dict(data)
    count = len(next(iter(stacked.values())))

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.at = 0

        def get_next(self):
            self.at += 1
            return {name: stack[self.at - 1] for name, stack in stacked.items()} if self.at <= count else None
    prepared = f"{path}.prepared.onnx"
    try:
        quant_pre_process(model, prepared, skip_symbolic_shape=True)
    except Exception:  # its own fusion fails on some models; the quantiser then takes them as they are
        prepared = model
    quantize_static(prepared, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8, calibrate_method=getattr(CalibrationMethod, method))


def best(result, key):
    """onnxruntime's highest figure, and the run that it comes from."""
    runs = [r for r in result["onnxruntime"].values() if r]
    return max(runs, key=lambda r: r[key]) if runs else None


def table(results):
    lines = ["| model | laic, dB | onnxruntime, dB | difference | held out | as onnxruntime runs them | seconds | peak MiB |", "|---|---|---|---|---|---|---|---|"]
    gains = []
    for result in results:
        ours, literal, default = result["laic"], best(result, "fit_literal_db"), best(result, "fit_default_db")
        if not ours or not literal:
            lines.append(f"| {result['name']} | {ours['fit_literal_db']:.1f} | fails, or refuses what it wrote | | {ours['held_out_literal_db']:.1f} | "
                         f"{ours['fit_default_db']:.1f} | {ours['seconds']:.1f} | {ours['peak_mib']:.0f} |" if ours else f"| {result['name']} | failed | | | | | | |")
            continue
        held = best(result, "held_out_literal_db")
        gains.append(ours["fit_literal_db"] - literal["fit_literal_db"])
        lines.append(f"| {result['name']} | {ours['fit_literal_db']:.1f} | {literal['fit_literal_db']:.1f} | {gains[-1]:+.1f} | "
                     f"{ours['held_out_literal_db']:.1f} / {held['held_out_literal_db']:.1f} | {ours['fit_default_db']:.1f} / {default['fit_default_db']:.1f} | "
                     f"{ours['seconds']:.1f} / {literal['seconds']:.1f} | {ours['peak_mib']:.0f} / {literal['peak_mib']:.0f} |")
    higher = sum(g > 0 for g in gains)
    lines.append("")
    if gains:
        lines.append(f"Higher on {higher} of {len(gains)}, by {np.mean(gains):+.1f} dB on average, worst {min(gains):+.1f} dB.")
    return "\n".join(lines)


def render():
    saved = json.loads(RESULTS.read_text())
    said = f"`{saved['command']}`, {saved['date']}, {saved['machine']}; ours / the peer's best, seconds on two threads.\n\n"
    put(ROOT / "docs" / "Quantization.md", BEGIN, said + table(saved["results"]))


def machine():
    names = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else 'unknown processor'}"


def save(path, command, results):
    """What there is so far: a run that is interrupted leaves it."""
    saved = {"command": command, "date": time.strftime("%Y-%m-%d"), "machine": machine(), "results": results}
    path.write_text(json.dumps(saved, indent=1) + "\n")


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--render", action="store_true", help="only write docs/Quantization.md")
    options = parser.parse_args()
    if options.render:
        return render()
    results = []
    for name in options.names:
        results.append(run(name, options))
        print(table(results[-1:]).splitlines()[2], flush=True)
        if options.output:
            save(options.output, f"benchmarks/quantize.py --samples {options.samples}", results)
    print(table(results))


if __name__ == "__main__":
    main()

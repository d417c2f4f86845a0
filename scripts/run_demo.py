#!/usr/bin/env python3
"""The demo on a built tree: compiles, runs and checks networks, next to onnxruntime. scripts/demo is the way in.

Ends with exit code 1 when any output is wrong. Uses no network and, but for the last part, nothing outside the repository.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("LAIC_BUILD", ROOT / "build" / "dev"))
WORK = ROOT / "build" / "demo"
DIGITS = ROOT / "examples" / "digits"
ZOO = ROOT.parent / "shared" / "zoo"
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
ROUNDS = 3
RTOL, ATOL = 1e-3, 1e-4
MIN_ACCURACY = 0.97
PROBLEMS = []


def title(text):
    print(f"\n{text}\n{'-' * len(text)}")


def expect(condition, text):
    """Prints a check's result; a failed one makes the demo fail."""
    print(f"  {'ok    ' if condition else 'WRONG '} {text}")
    if not condition:
        PROBLEMS.append(text)


def run(*command):
    """Runs a program of ours and returns its standard output; the demo ends when it fails."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {' '.join(map(str, command))} exits {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def compile_model(model, name, *options):
    """Compiles with the command that a user would type; returns the artifact and the seconds."""
    artifact = WORK / f"{name}.bin"
    begun = time.monotonic()
    run(BUILD / "bin" / "laic", model, "-o", artifact, *options)
    seconds = time.monotonic() - begun
    print(f"  laic {model.name} -o {artifact.name}   {seconds:.1f} s, {kilobytes(model)} of ONNX -> {kilobytes(artifact)}")
    return artifact


def kilobytes(path):
    size = os.path.getsize(path)
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def execute(artifact, feed):
    """Runs with laic-run: npz in, npz out."""
    inputs, outputs = artifact.with_suffix(".in.npz"), artifact.with_suffix(".out.npz")
    np.savez(inputs, **feed)
    run(BUILD / "bin" / "laic-run", artifact, "--inputs", inputs, "--outputs", outputs)
    with np.load(outputs) as data:
        return {name: data[name] for name in data.files}


def close(got, want):
    return got.shape == want.shape and bool(np.all(np.abs(got - want) <= RTOL * np.abs(want) + ATOL * np.abs(want).max()))


def time_engines(artifact, model, feed, threads, seconds):
    """{engine: medians}, each engine in processes of its own, interleaved."""
    inputs = artifact.with_suffix(".bench.npz")
    np.savez(inputs, **feed)
    rounds = {"laic": [], "onnxruntime": []}
    for number in range(ROUNDS):
        for engine, path in (("laic", artifact), ("onnxruntime", model))[:: 1 if number % 2 == 0 else -1]:
            text = run(sys.executable, ROOT / "benchmarks" / "engine.py", engine, path, inputs, f"--threads={threads}",
                       f"--seconds={seconds}", f"--build={BUILD}")
            rounds[engine].append(json.loads(text.splitlines()[-1]))
    return {engine: {key: statistics.median(m[key] for m in measured) for key in ("median_ms", "load_ms", "first_ms")}
            for engine, measured in rounds.items()}


def milliseconds(value):
    return f"{value:.3f} ms" if value < 1 else f"{value:.2f} ms" if value < 100 else f"{value:.0f} ms"


def compare_table(rows):
    print(f"\n  {'':34s} {'laic':>12s} {'onnxruntime ' + onnxruntime.__version__:>20s}")
    for text, ours, theirs in rows:
        print(f"  {text:34s} {ours:>12s} {theirs:>20s}")


def draw(images, captions):
    """Digits side by side: grey half blocks on a terminal, shades elsewhere, plain ASCII without UTF-8."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    colour = unicode and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if colour:
        rows = []
        for y in range(0, 8, 2):
            pairs = ["".join(f"\x1b[38;5;{232 + int(i[y, x]) * 23 // 16};48;5;{232 + int(i[y + 1, x]) * 23 // 16}m▀" for x in range(8))
                     + "\x1b[0m" for i in images]
            rows.append("    ".join(pairs))
        width = 12
    else:
        shades = " ░▒▓█" if unicode else " .:*#"
        rows = ["  ".join("".join(shades[min(4, int(v) * 5 // 17)] for v in i[y]) for i in images) for y in range(8)]
        width = 10
    for row in rows:
        print("  " + row)
    print("  " + "".join(c.ljust(width) for c in captions))


def runtime_library():
    """The runtime as it would be installed: without symbols."""
    library, stripped = BUILD / "lib" / "liblaic_runtime.so", WORK / "liblaic_runtime.so"
    strip = shutil.which("llvm-strip-22") or shutil.which("strip")
    if strip and subprocess.run([strip, library, "-o", stripped], capture_output=True).returncode == 0:
        return stripped
    return library


def digits():
    title("1. Handwritten digits: a small network trained by examples/digits/train.py")
    model = DIGITS / "digits.onnx"
    with np.load(DIGITS / "digits.npz") as data:
        images, labels = data["images"], data["labels"]
    feed = {"image": (images[:, None] / 16).astype("f4")}
    artifact = compile_model(model, "digits")
    got = execute(artifact, feed)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    want = dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))
    predicted = got["probabilities"].argmax(1)
    right = predicted == labels
    print()
    first = [int(np.flatnonzero(labels == d)[0]) for d in range(10)]
    draw(images[first], [f"{predicted[i]} {100 * got['probabilities'][i].max():.0f}%" for i in first])
    missed = np.flatnonzero(~right)[:8]
    if len(missed):
        print(f"\n  {np.sum(~right)} of {len(labels)} are taken for another digit, for example:\n")
        draw(images[missed], [f"{predicted[i]}, is {labels[i]}" for i in missed])
    print()
    for name in want:
        expect(close(got[name], want[name]), f"'{name}' of {len(labels)} images agrees with onnxruntime")
    expect(right.mean() >= MIN_ACCURACY, f"{100 * right.mean():.1f} % of {len(labels)} images that were not trained on are right")
    one, many = {"image": feed["image"][:1]}, {"image": feed["image"][:64]}
    single, batch = time_engines(artifact, model, one, 1, 0.3), time_engines(artifact, model, many, 1, 0.3)
    compare_table([
        ("latency, 1 image, 1 thread", *(milliseconds(single[e]["median_ms"]) for e in single)),
        ("latency, 64 images, 1 thread", *(milliseconds(batch[e]["median_ms"]) for e in batch)),
        ("load", *(milliseconds(single[e]["load_ms"]) for e in single)),
        ("first inference", *(milliseconds(single[e]["first_ms"]) for e in single)),
        ("what is loaded", kilobytes(artifact), kilobytes(model)),
        ("runtime library", kilobytes(runtime_library()), kilobytes(next(Path(onnxruntime.__file__).parent.glob("capi/onnxruntime_pybind11_state*")))),
    ])


def light(name):
    """A full-size network of the onnx package against the output that is stored beside it."""
    path = LIGHT / f"light_{name}.onnx"
    model = onnx.load(path)
    weights = {t.name for t in model.graph.initializer}
    info = next(i for i in model.graph.input if i.name not in weights)
    shape = [d.dim_value for d in info.type.tensor_type.shape.dim]
    count = int(np.prod(shape))
    feed = {info.name: (np.arange(count).reshape(shape) / count).astype("f4")}
    artifact = compile_model(path, name)
    begun = time.monotonic()
    (got,) = execute(artifact, feed).values()
    seconds = time.monotonic() - begun
    want = onnx.numpy_helper.to_array(onnx.TensorProto.FromString((LIGHT / f"light_{name}_output_0.pb").read_bytes()))
    expect(close(got, want), f"{name}: {len(model.graph.node)} nodes, input {shape}: the package's expected output "
                             f"(laic-run, loading included: {seconds:.1f} s)")


def zoo_resnet50():
    title("3. The zoo's ResNet-50 (../shared/zoo), batch 1")
    model, feed_file = ROOT / "build" / "models" / "resnet50.onnx", ROOT / "build" / "models" / "resnet50.npz"
    model.parent.mkdir(parents=True, exist_ok=True)
    if not (model.exists() and feed_file.exists()):
        run(sys.executable, ZOO / "materialise.py", ZOO / "resnet50.skel.onnx", "-o", model, "--inputs", feed_file)
    with np.load(feed_file) as data:
        feed = {name: data[name] for name in data.files}
    artifact = compile_model(model, "resnet50")
    got = execute(artifact, feed)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for info, want in zip(session.get_outputs(), session.run(None, feed)):
        expect(close(got[info.name], want), f"'{info.name}' agrees with onnxruntime")
    rows = []
    for threads in (1, 2):
        timed = time_engines(artifact, model, feed, threads, 1.0)
        rows.append((f"latency, {threads} thread{'s' if threads > 1 else ''}", *(milliseconds(timed[e]["median_ms"]) for e in timed)))
    rows.append(("load", *(milliseconds(timed[e]["load_ms"]) for e in timed)))
    rows.append(("what is loaded", kilobytes(artifact), kilobytes(model)))
    compare_table(rows)


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    digits()
    title("2. ResNet-50 and SqueezeNet, full size with made-up weights, as the onnx package carries them")
    for name in ("resnet50", "squeezenet"):
        light(name)
    if ZOO.is_dir():
        zoo_resnet50()
    else:
        print("\n3. skipped: ../shared is not present, so there is no zoo's ResNet-50 to run")
    if PROBLEMS:
        sys.exit("\ndemo: WRONG: " + "; ".join(PROBLEMS))
    print("\ndemo: everything is right. Next: ./scripts/check runs all tests; README.md says how to compile your own model.")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How far each engine's f32 results are from the same model computed in f64.

usage: accuracy.py [MODEL ...] [--set f32] [--engines laic,onnxruntime,openvino] [-o results/accuracy.json]     MODEL as in compare.py
       accuracy.py --render                                                            results/accuracy.json into docs/Numerics.md

The oracle is the model with every f32 tensor written as f64, compiled by laic with --math=strict: the same graph in twice the digits, which
takes part in no comparison of speed. An error is the largest difference of any output element as a share of the largest element of that output; of
several outputs the worst counts. Every engine runs in a process of its own (engine.py).
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine import read_feed
from processes import ROOT
from quantize import save
from report import put
from workloads import SETS, resolve

RESULTS = ROOT / "benchmarks" / "results" / "accuracy.json"
BEGIN = "<!-- results: begin, by benchmarks/accuracy.py --render -->"
ENGINES = ("laic", "onnxruntime", "openvino", "ncnn")
FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE
STAYS_FLOAT = {("Resize", 1), ("Resize", 2), ("Upsample", 1)}  # inputs that the standard wants in f32, whatever the data is


def widened(tensor):
    if tensor.data_type != FLOAT:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name)


def widen_graph(graph):
    floats = {node.input[i] for node in graph.node for op, i in STAYS_FLOAT if node.op_type == op and i < len(node.input)}
    tensors = [tensor if tensor.name in floats else widened(tensor) for tensor in graph.initializer]
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == FLOAT:
            value.type.tensor_type.elem_type = DOUBLE
    del graph.value_info[:]
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                widen_graph(attribute.g)
            elif attribute.type == onnx.AttributeProto.TENSOR and not set(node.output) & floats:
                attribute.t.CopyFrom(widened(attribute.t))
            elif attribute.name in ("to", "dtype") and attribute.i == FLOAT and not set(node.output) & floats:
                attribute.i = DOUBLE
        if node.op_type == "ConstantOfShape" and not node.attribute:
            node.attribute.append(helper.make_attribute("value", helper.make_tensor("value", DOUBLE, [1], [0.0])))


def oracle(work, folder, options):
    """The outputs in f64, in the order that the model has them."""
    model = onnx.load(work.model)
    names = [output.name for output in model.graph.output]
    widen_graph(model.graph)
    onnx.save(model, folder / "wide.onnx", save_as_external_data=model.ByteSize() > 1_500_000_000)
    del model
    feed = read_feed(work.feed)
    np.savez(folder / "wide.npz", **{name: array.astype(np.float64) if array.dtype == np.float32 else array for name, array in feed.items()})
    subprocess.check_call([options.build / "bin" / "laic", "-q", folder / "wide.onnx", "-o", folder / "wide.bin", "--math=strict", f"--cpu={options.cpu}",
                           *(f"--dim={name}={size}" for name, size in work.dims.items() if name.isidentifier())])
    subprocess.check_call([options.build / "bin" / "laic-run", folder / "wide.bin", "--inputs", folder / "wide.npz", "--outputs", folder / "want.npz"],
                          stdout=subprocess.DEVNULL)
    found = read_feed(folder / "want.npz")
    return [found[name] for name in names]


def results(engine, work, folder, options):
    """The outputs of an engine in the order that the model has them; a text where it refuses."""
    path = work.model
    if engine == "laic":
        path = folder / "model.bin"
        subprocess.check_call([options.build / "bin" / "laic", "-q", work.model, "-o", path, f"--cpu={options.cpu}",
                               *(f"--dim={name}={size}" for name, size in work.dims.items() if name.isidentifier())])
    python = ROOT / "build" / "peers" / "bin" / "python"
    command = [python if python.exists() else sys.executable, Path(__file__).with_name("engine.py"), engine]

    def run(*arguments):
        done = subprocess.run([str(c) for c in (*command, *arguments)], capture_output=True, text=True)
        last = done.stdout.strip().splitlines()[-1:] or ['{"error": "no answer"}']
        return json.loads(last[0])
    if engine == "ncnn":
        made = run(work.model, work.feed, "--prepare", folder / engine)
        if "error" in made:
            return made["error"]
        path = made["path"]
    said = run(path, work.feed, "--outputs", folder / f"{engine}.npz", "--seconds", "0", "--dims", json.dumps(work.dims), "--build", options.build)
    return said["error"] if "error" in said else list(read_feed(folder / f"{engine}.npz").values())


def error(want, got):
    worst = 0.0
    for w, g in zip(want, got):
        if w.dtype.kind == "f" and w.size:
            worst = max(worst, float(np.abs(g.astype(np.float64).reshape(w.shape) - w).max() / max(np.abs(w).max(), 1e-300)))
    return worst


def row(name, line, engines):
    cells = [f"{line[e]['error']:.1e}" if "error" in line.get(e, {}) else "–" for e in engines]
    return f"| {name} | " + " | ".join(cells) + " |"


def table(results):
    engines = list(dict.fromkeys(e for line in results.values() for e in line))
    return "\n".join(["| model | " + " | ".join(engines) + " |", "|---|" + "---|" * len(engines), *(row(name, line, engines) for name, line in results.items())])


def render():
    saved = json.loads(RESULTS.read_text())
    put(ROOT / "docs" / "Numerics.md", BEGIN, f"`{saved['command']}`, {saved['date']}, {saved['machine']}:\n\n{table(saved['results'])}")


def main():
    if sys.argv[1:] == ["--render"]:
        return render()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--set", choices=SETS, default="f32", help="where no models are named")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--cpu", default="native")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "dev")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    engines, found = options.engines.split(","), {}
    for name in options.models or SETS[options.set]:
        with tempfile.TemporaryDirectory() as temporary:
            folder, work = Path(temporary), resolve(name)
            want, line = oracle(work, folder, options), {}
            for engine in engines:
                got = results(engine, work, folder, options)
                line[engine] = {"refuses": got} if isinstance(got, str) else {"error": error(want, got)}
            work.drop()
        found[name] = line
        print(row(name, line, engines), flush=True)
        if options.output:
            save(options.output, "benchmarks/accuracy.py", found)


if __name__ == "__main__":
    main()

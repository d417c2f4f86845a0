#!/usr/bin/env python3
"""Weights of 4 bits in blocks of 32: rounded to nearest by laic and by onnxruntime's quantiser, and by laic with samples.

usage: quantize_blocks.py [gpt2_124m] [tinyllama_1b] [--samples N] [--tokens N] [-o results/quantize_blocks.json]     needs scripts/setup-benchmarks

SQNR is that of the logits against the float model, on the samples (fit) and on as many others (held out), without earlier tokens. Perplexity is
exp of the mean cross entropy between the float model's distribution of the next token and the quantised one's: that of text which the float model
would write. Networks with random weights are hardly ever sure, so look at the differences. All models are run by onnxruntime with its rewrites
off. onnxruntime's quantiser takes MatMul of constants alone: for it Gemm is written as MatMul and Add, and transposed tables as constants.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from quantize import BUILD, ROOT, SHARED, measured, save

NAMES = ("gpt2_124m", "tinyllama_1b")
PEERS = ROOT / "build" / "peers" / "bin" / "python"


def prepare(name, folder, count, tokens, seed):
    zoo, path = SHARED / "zoo", folder / f"{name}.onnx"
    make = [sys.executable, zoo / "materialise.py", zoo / f"{name}.skel.onnx"]
    subprocess.check_call([*make, "-o", path], stdout=subprocess.DEVNULL)

    def feed(number):
        subprocess.check_call([*make, "--inputs", folder / "one.npz", "--input-seed", str(number), "--dims", f"batch=1,past=0,seq={tokens}"],
                              stdout=subprocess.DEVNULL)
        with np.load(folder / "one.npz") as data:
            return dict(data)
    return path, [feed(seed + i) for i in range(count)], [feed(seed + count + i) for i in range(count)]


def logits(path, feeds):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = next(o.name for o in session.get_outputs() if "logits" in o.name)
    return [session.run([name], feed)[0][0] for feed in feeds]


def log_softmax(x):
    x = x.astype(np.float64) - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def judge(want, got):
    signal = sum((w.astype(np.float64) ** 2).sum() for w in want)
    noise = sum(((w.astype(np.float64) - g) ** 2).sum() for w, g in zip(want, got))
    entropy = np.mean([-(np.exp(log_softmax(w)) * log_softmax(g)).sum(-1).mean() for w, g in zip(want, got)])
    return {"sqnr_db": float(10 * np.log10(signal / max(noise, 1e-300))), "perplexity": float(np.exp(entropy))}


def peer(model, path):
    """onnxruntime's quantiser, in a process of its own."""
    import onnx
    from onnxruntime.quantization import matmul_nbits_quantizer as q
    made = onnx.load(model)
    constants = {tensor.name: tensor for tensor in made.graph.initializer}
    nodes = []
    for node in made.graph.node:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Transpose" and node.input[0] in constants:
            turned = onnx.numpy_helper.to_array(constants[node.input[0]]).transpose(attributes.get("perm"))
            made.graph.initializer.append(onnx.numpy_helper.from_array(np.ascontiguousarray(turned), node.output[0]))
            continue
        if node.op_type == "ReduceMean" and "axes" in attributes:  # the quantiser says opset 21, where axes are an input
            made.graph.initializer.append(onnx.numpy_helper.from_array(np.array(attributes["axes"]), f"{node.output[0]}/axes"))
            node.input.append(f"{node.output[0]}/axes")
            node.attribute.remove(next(a for a in node.attribute if a.name == "axes"))
        plain = all(attributes.get(name, default) == default for name, default in (("alpha", 1.0), ("beta", 1.0), ("transA", 0), ("transB", 0)))
        if node.op_type != "Gemm" or not plain or len(node.input) < 3:
            nodes.append(node)
            continue
        nodes += [onnx.helper.make_node("MatMul", node.input[:2], [node.output[0] + "/product"], node.name),
                  onnx.helper.make_node("Add", [node.output[0] + "/product", node.input[2]], node.output, node.name + "/bias")]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    config = q.DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=True, op_types_to_quantize=("MatMul", "Gather"),
                                            quant_axes=(("MatMul", 0), ("Gather", 1)))
    quantiser = q.MatMulNBitsQuantizer(made, algo_config=config)
    quantiser.process()
    quantiser.model.save_model_to_file(path, use_external_data_format=True)


def run(name, options):
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        model, fit, others = prepare(name, folder, options.samples, options.tokens, options.seed)
        want = {"fit": logits(model, fit), "held_out": logits(model, others)}
        np.savez(folder / "samples.npz", **{f"{n}/{i}": feed[n] for i, feed in enumerate(fit) for n in feed})
        laic = [BUILD / "bin" / "laic", model, "--quantize=int4", "--emit=onnx"]
        made = {"laic, to nearest": ([*laic, "-o", folder / "nearest.onnx"], folder / "nearest.onnx"),
                "laic, with samples": ([*laic, "--quantize-loss=0", f"--calibration={folder / 'samples.npz'}", "-o", folder / "samples.onnx"], folder / "samples.onnx"),
                "onnxruntime, to nearest": ([PEERS, __file__, "--peer", model, folder / "theirs.onnx"], folder / "theirs.onnx")}
        result = {"name": name, "samples": options.samples, "tokens": options.tokens, "perplexity": {k: judge(w, w)["perplexity"] for k, w in want.items()}}
        for way, (command, path) in made.items():
            result[way] = measured(command)
            if result[way]:
                result[way] |= {k: judge(w, logits(path, feeds)) for (k, w), feeds in zip(want.items(), (fit, others))}
            for left in folder.glob(f"{path.name}*"):
                left.unlink()
            print(name, way, json.dumps(result[way]), flush=True)
        return result


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--folder", help="for temporary files, up to 12 GB for tinyllama_1b")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    results = []
    for name in options.names:
        results.append(run(name, options))
        if options.output:
            save(options.output, f"benchmarks/quantize_blocks.py --samples {options.samples} --tokens {options.tokens}", results)


if __name__ == "__main__":
    main()

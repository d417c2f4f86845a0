"""What the tests of --quantize share: small models with weights, samples, and the way through laic and laic-run."""
import json
import subprocess

import numpy as np
import onnx
from locations import BUILD
from onnx import TensorProto, helper, numpy_helper


def laic(*arguments):
    """Runs the command; returns what subprocess.run does."""
    return subprocess.run([str(BUILD / "bin" / "laic"), *map(str, arguments)], capture_output=True, text=True, timeout=600,
                          stdin=subprocess.DEVNULL)


def quantise(model, folder, kind, samples=None, *options):
    """Compiles with --quantize=KIND; returns the artifact's path and stderr."""
    options = [f"--quantize={kind}", *options]
    if samples is not None:
        np.savez(folder / "samples.npz", **samples)
        options.append(f"--calibration={folder / 'samples.npz'}")
    done = laic(model, "-o", folder / "q.bin", *options)
    assert done.returncode == 0, done.stderr
    return folder / "q.bin", done.stderr


def refuse(model, folder, kind, samples, *options, code=1):
    """stderr of a compilation that must fail with this exit code and leave no artifact."""
    if samples is not None:
        np.savez(folder / "samples.npz", **samples)
        options = (f"--calibration={folder / 'samples.npz'}", *options)
    done = laic(model, "-o", folder / "q.bin", f"--quantize={kind}", *options)
    assert done.returncode == code, done.stderr
    assert not (folder / "q.bin").exists()
    return done.stderr


def execute(artifact, feed, *options):
    """The outputs by name."""
    folder = artifact.parent
    np.savez(folder / "in.npz", **feed)
    done = subprocess.run([str(BUILD / "bin" / "laic-run"), str(artifact), "--inputs", str(folder / "in.npz"), "--outputs",
                           str(folder / "out.npz"), *options], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as data:
        return {name: data[name] for name in data}


def sqnr(want, got):
    """Signal to noise in decibels."""
    want, got = np.asarray(want, np.float64), np.asarray(got, np.float64)
    return 10 * np.log10((want ** 2).sum() / max(((got - want) ** 2).sum(), 1e-300))


def save(path, nodes, inputs, outputs, constants):
    """A model of opset 21; inputs and outputs: name -> shape, f32."""
    def info(shapes):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(nodes, "g", info(inputs), info(outputs), [numpy_helper.from_array(a, n) for n, a in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def convolutional(path, seed=0):
    """Conv, Relu, Conv (depthwise), Clip, Conv + residual, Relu, GlobalAveragePool, Gemm: one of every kind that is treated in its own way."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype("f4")
    node = helper.make_node
    nodes = [node("Conv", ["x", "w1", "b1"], ["c1"], "first", pads=[1, 1, 1, 1]), node("Relu", ["c1"], ["r1"], "relu1"),
             node("Conv", ["r1", "w2", "b2"], ["c2"], "depthwise", pads=[1, 1, 1, 1], group=16),
             node("Clip", ["c2", "zero", "six"], ["r2"], "clip"), node("Conv", ["r2", "w3", "b3"], ["c3"], "pointwise"),
             node("Add", ["c3", "r1"], ["a"], "residual"), node("Relu", ["a"], ["r3"], "relu3"),
             node("Conv", ["r3", "w4"], ["c4"], "strided", strides=[2, 2]), node("GlobalAveragePool", ["c4"], ["p"], "pool"),
             node("Flatten", ["p"], ["f"], "flatten"), node("Gemm", ["f", "w5", "b5"], ["y"], "head", transB=1)]
    constants = {"w1": normal(16, 3, 3, 3), "b1": normal(16), "w2": normal(16, 1, 3, 3), "b2": normal(16), "w3": normal(16, 16, 1, 1),
                 "b3": normal(16), "w4": normal(24, 16, 3, 3), "w5": normal(10, 24), "b5": normal(10), "zero": np.float32(0),
                 "six": np.float32(6)}
    return save(path, nodes, {"x": ["N", 3, 20, 20]}, {"y": ["N", 10]}, constants)


def transformer(path, seed=0):
    """A table, LayerNormalization, products with biases that are additions, a product of two activations, a head on a transposed table."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return (rng.standard_normal(shape) / np.sqrt(shape[0])).astype("f4")
    node = helper.make_node
    nodes = [node("Gather", ["table", "ids"], ["e"], "embedding"), node("LayerNormalization", ["e", "g", "b"], ["n"], "norm"),
             node("MatMul", ["n", "wq"], ["q0"], "query"), node("Add", ["q0", "bq"], ["q"], "query_bias"),
             node("MatMul", ["n", "wk"], ["k"], "key"), node("Transpose", ["k"], ["kt"], "turn", perm=[0, 2, 1]),
             node("MatMul", ["q", "kt"], ["s"], "scores"), node("Softmax", ["s"], ["p"], "softmax"),
             node("MatMul", ["n", "wv"], ["v"], "value"), node("MatMul", ["p", "v"], ["o"], "mix"), node("Add", ["o", "e"], ["h"], "residual"),
             node("Transpose", ["table"], ["tt"], "tied", perm=[1, 0]), node("MatMul", ["h", "tt"], ["y"], "head")]
    constants = {"table": normal(96, 64) * 4, "g": np.ones(64, "f4"), "b": np.zeros(64, "f4"), "wq": normal(64, 64), "bq": normal(64),
                 "wk": normal(64, 64), "wv": normal(64, 64)}
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", "S"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", "S", 96])],
                              [numpy_helper.from_array(a, n) for n, a in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def report(folder):
    """The JSON report that a compilation left."""
    return json.loads((folder / "report.json").read_text())

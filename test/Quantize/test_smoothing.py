"""Activations with channels of very different spread: the float model is rewritten as the same function, where that gains enough."""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from quantizing import execute, laic, quantise, save, sqnr

RNG = np.random.default_rng(8)
SPREAD = np.where(np.arange(64) % 16 == 3, 60, 1).astype("f4")  # a few channels far larger than the others, with small weights


def weights(*shape):
    return (RNG.standard_normal(shape) / 8 / SPREAD[:, None]).astype("f4")


def normalised(path, with_reader=False):
    """LayerNormalization in front of a product; `with_reader`: somebody else reads it, too."""
    nodes = [helper.make_node("LayerNormalization", ["x", "g", "b"], ["n"], "norm"), helper.make_node("MatMul", ["n", "w"], ["m"], "product"),
             helper.make_node("Add", ["m", "n" if with_reader else "c"], ["y"], "add")]
    return save(path, nodes, {"x": ["N", 64]}, {"y": ["N", 64]}, {"g": SPREAD, "b": SPREAD / 4, "w": weights(64, 64), "c": np.zeros(64, "f4")})


def convolved(path):
    """Conv, Relu, Conv."""
    first = (RNG.standard_normal((64, 8, 1, 1)) / 3 * SPREAD[:, None, None, None]).astype("f4")
    second = np.ascontiguousarray(weights(64, 24).T[:, :, None, None])
    nodes = [helper.make_node("Conv", ["x", "w1", "b1"], ["c"], "first"), helper.make_node("Relu", ["c"], ["r"], "relu"),
             helper.make_node("Conv", ["r", "w2"], ["y"], "second")]
    return save(path, nodes, {"x": ["N", 8, 6, 6]}, {"y": ["N", 24, 6, 6]}, {"w1": first, "b1": SPREAD / 8, "w2": second})


def kept(model, folder, shape):
    """SQNR of other inputs than those of the calibration, and the quantised graph as ONNX."""
    samples = RNG.standard_normal((16, *shape)).astype("f4")
    artifact, _ = quantise(model, folder, "int8", {"x": samples}, "--quantize-loss=0")
    assert laic(model, "-o", folder / "q.onnx", "--emit=onnx", "--quantize=int8", "--quantize-loss=0", f"--calibration={folder / 'samples.npz'}").returncode == 0
    x = RNG.standard_normal(shape).astype("f4")
    want = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    return sqnr(want, execute(artifact, {"x": x})["y"]), onnx.load(folder / "q.onnx").graph


def constants(graph):
    return [numpy_helper.to_array(i) for i in graph.initializer]


def test_into_a_normalisation(tmp_path):
    decibels, graph = kept(normalised(tmp_path / "m.onnx"), tmp_path, (4, 64))
    assert decibels > 32  # one scale for all channels as they are keeps about 5
    assert "Mul" not in {node.op_type for node in graph.node}
    factors = [c for c in constants(graph) if c.dtype == np.float32 and c.shape == (64,) and 1.5 < c.max() / c.min() < 30]
    assert factors, "the factors of the normalisation have come closer"


def test_into_a_multiplication_where_others_read_it(tmp_path):
    decibels, graph = kept(normalised(tmp_path / "m.onnx", with_reader=True), tmp_path, (4, 64))
    assert decibels > 32
    assert [node.op_type for node in graph.node].count("Mul") == 1


def test_into_the_convolution_before(tmp_path):
    decibels, graph = kept(convolved(tmp_path / "m.onnx"), tmp_path, (2, 8, 6, 6))
    assert decibels > 32
    assert "Mul" not in {node.op_type for node in graph.node}


def test_not_where_channels_are_alike(tmp_path):
    w = (RNG.standard_normal((64, 64)) / 8).astype("f4")
    model = save(tmp_path / "m.onnx", [helper.make_node("Tanh", ["x"], ["t"], "tanh"), helper.make_node("MatMul", ["t", "w"], ["y"], "p")],
                 {"x": ["N", 64]}, {"y": ["N", 64]}, {"w": w})
    _, graph = kept(model, tmp_path, (4, 64))
    assert "Mul" not in {node.op_type for node in graph.node}


def mixed(path, nodes, constants, outputs):
    return save(path, nodes, {"x": ["N", 16, 16]}, outputs, constants)


def test_not_along_another_axis(tmp_path):
    """The producer's constants lie along one axis, the reader's channels along another of the same size."""
    node, spread = helper.make_node, np.where(np.arange(16) % 8 == 3, 60, 1).astype("f4")
    square = (RNG.standard_normal((16, 16)) / 4).astype("f4")
    shape = {"y": ["N", 16, 16]}
    models = {
        "conv_then_product": mixed(tmp_path / "a.onnx", [node("Conv", ["x", "w1"], ["c"], "c1"), node("Relu", ["c"], ["r"], "r"), node("MatMul", ["r", "w2"], ["y"], "m")],
                                   {"w1": square[:, :, None] * spread[:, None, None], "w2": square / spread[:, None]}, shape),
        "norm_then_conv": mixed(tmp_path / "b.onnx", [node("LayerNormalization", ["x", "g"], ["n"], "n"), node("Conv", ["n", "w"], ["y"], "c")],
                                {"g": spread, "w": (square / spread[:, None])[:, :, None]}, shape),
        "one_factor": mixed(tmp_path / "c.onnx", [node("LayerNormalization", ["x", "g"], ["n"], "n"), node("Mul", ["n", "s"], ["m"], "s"), node("MatMul", ["n", "w"], ["y"], "m2"),
                                                  node("Identity", ["m"], ["z"], "i")], {"g": np.ones(16, "f4"), "s": spread, "w": square}, {**shape, "z": ["N", 16, 16]})}
    for name, model in models.items():
        x = RNG.standard_normal((2, 16, 16)).astype("f4")
        artifact, _ = quantise(model, tmp_path, "int8", {"x": RNG.standard_normal((8, 2, 16, 16)).astype("f4")}, "--quantize-loss=150")
        want = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]
        assert sqnr(want, execute(artifact, {"x": x})["y"]) > 90, name  # nothing is quantised: the same function as before


def test_not_where_a_reader_also_adds_it(tmp_path):
    """Gemm(n, w, n): as its addend, n must stay what it is."""
    model = save(tmp_path / "m.onnx", [helper.make_node("LayerNormalization", ["x", "g"], ["n"], "norm"), helper.make_node("Gemm", ["n", "w", "n"], ["y"], "gemm")],
                 {"x": ["N", 64]}, {"y": ["N", 64]}, {"g": SPREAD, "w": weights(64, 64)})
    decibels, _ = kept(model, tmp_path, (4, 64))
    assert decibels > 32


def joined(path, other, pool):
    """Concat of a Conv's Relu and of `other`, which has no constants to divide, or is a second Conv; pooled, then multiplied."""
    first = (RNG.standard_normal((48, 16, 1, 1)) / 4 * SPREAD[:48, None, None, None]).astype("f4")
    second = (RNG.standard_normal((16, 16, 1, 1)) / 4 * SPREAD[48:, None, None, None]).astype("f4")
    last = np.ascontiguousarray(weights(64, 24).T[:, :, None, None])
    nodes = [helper.make_node("Conv", ["x", "w1", "b1"], ["c"], "first"), helper.make_node("Relu", ["c"], ["r"], "relu"),
             helper.make_node("Conv", ["x", "w2"], ["o"], "other") if other == "Conv" else helper.make_node(other, ["x"], ["o"], "other"),
             helper.make_node("Concat", ["r", "o"], ["j"], "join", axis=1), helper.make_node(pool, ["j"], ["p"], "pool", kernel_shape=[2, 2]),
             helper.make_node("Conv", ["p", "w3"], ["y"], "last")]
    constants = {"w1": first, "b1": SPREAD[:48] / 8, "w2": second, "w3": last}
    return save(path, nodes, {"x": ["N", 16, 6, 6]}, {"y": ["N", 24, 5, 5]}, constants)


@pytest.mark.parametrize("pool", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("other", ["Conv", "Sigmoid", "Identity"])
def test_through_concatenation_and_pooling(tmp_path, other, pool):
    """Into both convolutions; where one part has no constants, into a multiplication behind all of them, and into none of the parts."""
    decibels, graph = kept(joined(tmp_path / "m.onnx", other, pool), tmp_path, (2, 16, 6, 6))
    assert decibels > 30
    multiplications = [node for node in graph.node if node.op_type == "Mul"]
    assert len(multiplications) == (0 if other == "Conv" else 1)

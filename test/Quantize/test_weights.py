"""--quantize=int4 and int8-weights: blocks of weights beside numpy models of what they are rounded to."""
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from quantizing import convolutional, execute, quantise, report, save, sqnr, transformer

RNG = np.random.default_rng(0)


def product(path, w, op="MatMul", **attributes):
    return save(path, [helper.make_node(op, ["x", "w"], ["y"], "product", **attributes)], {"x": ["N", 128]}, {"y": ["N", None]}, {"w": w})


def effective(artifact, inputs):
    """The matrix that the artifact multiplies with."""
    return execute(artifact, {"x": np.eye(inputs, dtype="f4")})["y"]


def nearest(w, bits, symmetric, block=32):
    """Rounding to nearest on the widest grid of each block, as onnxruntime's MatMulNBits quantiser has it."""
    got, levels = np.empty_like(w), 2 ** bits - 1
    for first in range(0, len(w), block):
        part = w[first:first + block]
        low, high = np.minimum(part.min(axis=0), 0), np.maximum(part.max(axis=0), 0)
        if symmetric:
            zero = 2 ** (bits - 1)
            scale = np.where(-low > high, low, high) / -zero
        else:
            scale = (high - low) / levels
            zero = np.round(-low / scale)
        got[first:first + block] = (np.clip(np.round(part / scale) + zero, 0, levels) - zero) * scale
    return got


@pytest.mark.parametrize("kind, levels, block", [("int4", 16, 32), ("int4:64", 16, 64), ("int4:128", 16, 128), ("int4:32:asymmetric", 16, 32),
                                                 ("int8-weights", 256, 32), ("int8-weights:64:asymmetric", 256, 64)])
def test_blocks_are_grids(tmp_path, kind, levels, block):
    """Within every block of a column the weights are multiples of one step, of `levels` values at most, and near what they were."""
    w = RNG.standard_normal((128, 40)).astype("f4")
    artifact, _ = quantise(product(tmp_path / "m.onnx", w), tmp_path, kind)
    got = effective(artifact, 128)
    span = 2 * np.abs(w).max() if "asymmetric" not in kind else w.max() - min(w.min(), 0)
    assert np.abs(got - w).max() < span / levels * 3
    for column in range(0, 40, 7):
        for first in range(0, 128, block):
            values = np.unique(got[first:first + block, column].astype("f8"))
            steps = np.diff(values)
            assert len(values) <= levels
            step = steps.min()
            assert np.abs(steps / step - np.round(steps / step)).max() < 1e-2 or levels == 256


@pytest.mark.parametrize("kind, bits, symmetric", [("int4", 4, True), ("int4:32:asymmetric", 4, False), ("int8-weights", 8, True)])
def test_without_samples_rounds_like_the_peer(tmp_path, kind, bits, symmetric):
    w = (RNG.standard_normal((128, 96)) * np.exp(RNG.standard_normal((128, 1)))).astype("f4")
    model = product(tmp_path / "m.onnx", w)
    artifact, _ = quantise(model, tmp_path, kind)
    got, want = effective(artifact, 128), nearest(w, bits, symmetric)
    assert abs(sqnr(w, got) - sqnr(w, want)) < 0.02 and np.mean(np.abs(got - want) > 1e-5 * np.abs(want).max()) < 0.002  # ties may fall either way


@pytest.mark.parametrize("attributes", [{}, {"transB": 1}])
def test_gemm_with_a_bias(tmp_path, attributes):
    w = RNG.standard_normal((128, 48)).astype("f4")
    stored = w.T.copy() if attributes else w
    bias = RNG.standard_normal(48).astype("f4")
    model = save(tmp_path / "m.onnx", [helper.make_node("Gemm", ["x", "w", "b"], ["y"], "gemm", **attributes)], {"x": ["N", 128]}, {"y": ["N", 48]},
                 {"w": stored, "b": bias})
    artifact, _ = quantise(model, tmp_path, "int8-weights")
    x = RNG.standard_normal((5, 128)).astype("f4")
    assert sqnr(x @ w + bias, execute(artifact, {"x": x})["y"]) > 38


def test_rows_that_are_no_whole_blocks(tmp_path):
    """100 weights in blocks of 32: the last one is filled up."""
    w = RNG.standard_normal((100, 24)).astype("f4")
    model = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], "p")], {"x": ["N", 100]}, {"y": ["N", 24]}, {"w": w})
    artifact, _ = quantise(model, tmp_path, "int8-weights")
    assert sqnr(w, effective(artifact, 100)) > 38


def test_whole_model(tmp_path):
    """A table, products, and a head whose weights are the table turned around."""
    model = transformer(tmp_path / "m.onnx")
    ids = np.random.default_rng(1).integers(0, 96, (6, 2, 9))
    artifact, stderr = quantise(model, tmp_path, "int4", {"ids": ids}, "--quantize-loss=0", f"--quantize-report={tmp_path / 'report.json'}")
    assert "quantised 5 of 5 weights to int4; 'y' keeps" in stderr
    layers = {layer["name"]: layer for layer in report(tmp_path)["layers"]}
    assert set(layers) == {"query", "key", "value", "head", "embedding"}
    for layer in layers.values():
        assert layer["bytes"] * 6 < layer["float_bytes"] and 15 < layer["sqnr_alone_db"] < 30
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    want = np.stack([session.run(None, {"ids": i})[0] for i in ids])
    got = np.stack([execute(artifact, {"ids": i})["y"] for i in ids])
    said = float(re.search(r"keeps (\d+\.\d) dB", stderr)[1])
    assert abs(sqnr(want, got) - said) < 0.1 and said > 8


def test_more_bits_keep_more(tmp_path):
    model = transformer(tmp_path / "m.onnx")
    ids = np.random.default_rng(1).integers(0, 96, (6, 2, 9))
    kept = {}
    for kind in ("int4", "int8-weights"):
        _, stderr = quantise(model, tmp_path, kind, {"ids": ids}, "--quantize-loss=0")
        kept[kind] = float(re.search(r"keeps (\d+\.\d) dB", stderr)[1])
    assert kept["int8-weights"] > kept["int4"] + 15


def test_loss_widens(tmp_path):
    model = transformer(tmp_path / "m.onnx")
    ids = np.random.default_rng(1).integers(0, 96, (6, 2, 9))
    _, stderr = quantise(model, tmp_path, "int4", {"ids": ids}, "--quantize-loss=25", "--explain")
    assert "stays in floats: the outputs would lose more than --quantize-loss allows" in stderr
    assert float(re.search(r"keeps (\d+\.\d) dB", stderr)[1]) >= 25


def test_what_is_left_alone(tmp_path):
    _, stderr = quantise(convolutional(tmp_path / "m.onnx"), tmp_path, "int4", None, "--explain")
    assert "node 'first' (Conv) stays in floats: convolutions have no form in blocks" in stderr
    assert "node 'head' (Gemm) stays in floats: it has few weights" in stderr
    table = RNG.standard_normal((64, 40)).astype("f4")
    model = onnx.parser.parse_model('<ir_version: 10, opset_import: ["": 21]> g (int64[N] i, float[N,40] x) => (float[N,40] y) { t = Gather(table, i) \n y = Add(t, x) }')
    model.graph.node[0].name = "odd_table"
    model.graph.initializer.append(onnx.numpy_helper.from_array(table, "table"))
    onnx.save(model, tmp_path / "t.onnx")
    _, stderr = quantise(tmp_path / "t.onnx", tmp_path, "int4", None, "--explain")
    assert "node 'odd_table' (Gather) stays in floats: its rows are not whole blocks" in stderr
    model = transformer(tmp_path / "k.onnx")
    _, stderr = quantise(model, tmp_path, "int4", None, "--keep-float=emb*,head", "--explain")
    assert "node 'embedding' (Gather) stays in floats: --keep-float names it" in stderr and "quantised 3 of 5" in stderr


@pytest.mark.parametrize("samples", [False, True])
def test_one_product_behind_the_other(tmp_path, samples):
    """Factorised layers: what a product reads is another one that is replaced, too."""
    u, v, w = (RNG.standard_normal(s).astype("f4") for s in ((128, 32), (32, 96), (96, 64)))
    nodes = [helper.make_node("MatMul", ["x", "u"], ["a"], "a"), helper.make_node("MatMul", ["a", "v"], ["b"], "b"), helper.make_node("Gemm", ["b", "w"], ["y"], "c")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 128]}, {"y": ["N", 64]}, {"u": u, "v": v, "w": w})
    x = RNG.standard_normal((4, 3, 128)).astype("f4")
    artifact, stderr = quantise(model, tmp_path, "int8-weights", {"x": x} if samples else None)
    assert "quantised 3 of 3" in stderr
    assert sqnr(x[0] @ u @ v @ w, execute(artifact, {"x": x[0]})["y"]) > 35


def test_weights_that_are_not_finite_stay(tmp_path):
    w = RNG.standard_normal((128, 40)).astype("f4")
    w[3, 4] = np.inf
    _, stderr = quantise(product(tmp_path / "m.onnx", w), tmp_path, "int4", None, "--explain")
    assert "node 'product' (MatMul) stays in floats: its weights hold NaN or infinity" in stderr

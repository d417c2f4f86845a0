"""--quantize=int8-dynamic: rows of activations get their scales when the model runs."""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from quantizing import convolutional, execute, quantise, refuse, report, save, sqnr, transformer


def rows(x):
    """Bytes and scales, as the option's documentation has them."""
    scale = np.maximum(np.abs(x).max(-1, keepdims=True) * np.float32(1 / 127), np.float32(1e-30))
    return np.clip(np.rint(x / scale), -128, 127), scale


def product(tmp_path, w, op="MatMul", constants=None, **attributes):
    inputs = ["x", "w", *(constants or {})]
    n = w.shape[0 if attributes.get("transB") else 1]
    return save(tmp_path / "m.onnx", [helper.make_node(op, inputs, ["y"], "product", **attributes)], {"x": ["N", w.shape[1 if attributes.get("transB") else 0]]},
                {"y": ["N", n]}, {"w": w, **(constants or {})})


@pytest.mark.parametrize("count", [1, 2, 7, 70])
@pytest.mark.parametrize("bias", [False, True])
def test_a_product_is_what_the_documentation_says(tmp_path, count, bias):
    """Whole weights leave rounding of rows alone to see: scales of 1/127 per column that the largest weight fits."""
    rng = np.random.default_rng(count)
    w = rng.integers(-127, 128, (96, 40)).astype("f4")
    w[0] = 127
    x = rng.standard_normal((count, 96)).astype("f4") * np.exp2(rng.integers(-8, 8, (count, 1))).astype("f4")
    constants = {"b": rng.standard_normal(40).astype("f4")} if bias else {}
    model = product(tmp_path, w, "Gemm" if bias else "MatMul", constants)
    artifact, stderr = quantise(model, tmp_path, "int8-dynamic")
    assert "quantised 1 of 1 layers to int8" in stderr
    bytes_, scale = rows(x)
    want = (bytes_ @ w).astype("f4") * scale + (constants["b"] if bias else 0)
    np.testing.assert_allclose(execute(artifact, {"x": x})["y"], want, rtol=2e-6, atol=1e-5 * np.abs(want).max(-1, keepdims=True).max())
    assert sqnr(x @ w, want - (constants["b"] if bias else 0)) > 35


def test_rows_of_zeros_and_infinity_keep_to_themselves(tmp_path):
    rng = np.random.default_rng(0)
    w = rng.standard_normal((64, 32)).astype("f4")
    x = rng.standard_normal((5, 64)).astype("f4")
    x[1] = 0
    x[3, 7] = np.inf
    artifact, _ = quantise(product(tmp_path, w), tmp_path, "int8-dynamic")
    y = execute(artifact, {"x": x})["y"]
    assert (y[1] == 0).all() and not np.isfinite(y[3]).any()
    assert sqnr((x @ w)[[0, 2, 4]], y[[0, 2, 4]]) > 35


def test_samples_say_what_it_costs(tmp_path):
    model = transformer(tmp_path / "m.onnx")
    tokens = np.random.default_rng(5).integers(0, 96, (12, 2, 9))
    artifact, stderr = quantise(model, tmp_path, "int8-dynamic", {"ids": tokens}, f"--quantize-report={tmp_path / 'report.json'}")
    assert "quantised 5 of 5 layers to int8; 'y' keeps " in stderr
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    want = np.stack([session.run(None, {"ids": ids})[0] for ids in tokens])
    got = np.stack([execute(artifact, {"ids": ids})["y"] for ids in tokens])
    said = report(tmp_path)
    assert sqnr(want, got) > 28 and said["outputs"][0]["sqnr_db"] == pytest.approx(sqnr(want, got), abs=0.1)
    layers = {layer["name"]: layer for layer in said["layers"]}
    assert layers["query"]["sqnr_alone_db"] > 30 and layers["query"]["sqnr_in_context_db"] > 20 and sum(layers["query"]["histogram"])


def test_layers_return_to_floats(tmp_path):
    model = transformer(tmp_path / "m.onnx")
    tokens = np.random.default_rng(5).integers(0, 96, (4, 2, 9))
    _, stderr = quantise(model, tmp_path, "int8-dynamic", {"ids": tokens}, "--quantize-loss=150", "--explain")
    assert "quantised 0 of 5" in stderr and "stays in floats: the outputs would lose more than --quantize-loss allows" in stderr


def test_convolutions_stay(tmp_path):
    _, stderr = quantise(convolutional(tmp_path / "m.onnx"), tmp_path, "int8-dynamic", None, "--explain")
    assert "quantised 0 of 5 layers" in stderr
    assert "node 'first' (Conv) stays in floats: convolutions have no rows with scales of their own; --quantize=int8 learns one scale from samples" in stderr
    assert "node 'head' (Gemm) stays in floats: it has few weights" in stderr


def test_products_stay_in_integers(tmp_path):
    """What runs is a product of bytes, with weights of a byte each."""
    w = np.random.default_rng(0).standard_normal((256, 128)).astype("f4")
    _, stderr = quantise(product(tmp_path, w, "Gemm", {"b": np.ones(128, "f4")}), tmp_path, "int8-dynamic", None, f"--dump-phases={tmp_path / 'phases'}")
    (path,) = (tmp_path / "phases").glob("*dispatch*.mlir")
    text = path.read_text()
    assert "xi8>" in text and "i32" in text and "256x128xf32" not in text, text[:2000]


def test_exported_models_run_elsewhere(tmp_path):
    from test_quantized_onnx import agree, export, operators

    model = transformer(tmp_path / "m.onnx")
    tokens = np.random.default_rng(5).integers(0, 96, (16, 2, 9))
    artifact, exported = export(model, tmp_path, "int8-dynamic")
    agree(artifact, exported, [{"ids": ids} for ids in tokens])
    blocks = [a.i for node in onnx.load(exported).graph.node if node.op_type == "QuantizeLinear" for a in node.attribute if a.name == "block_size"]
    assert blocks and set(blocks) == {64} and "ReduceMax" in operators(exported)


def test_an_activation_that_is_empty_on_all_samples(tmp_path):
    """A detector's head without detections: nothing is known of its errors, and nothing fails."""
    w = np.random.default_rng(0).standard_normal((64, 32)).astype("f4")
    artifact, stderr = quantise(product(tmp_path, w), tmp_path, "int8-dynamic", {"x": np.zeros((4, 0, 64), "f4")})
    assert "quantised 1 of 1" in stderr
    x = np.random.default_rng(1).standard_normal((3, 64)).astype("f4")
    assert sqnr(x @ w, execute(artifact, {"x": x})["y"]) > 35


def test_vectors_and_deep_products_stay(tmp_path):
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("MatMul", ["v", "w"], ["y"], "vector"), helper.make_node("MatMul", ["x", "u"], ["z"], "deep")]
    model = save(tmp_path / "m.onnx", nodes, {"v": [64], "x": ["N", 140_000]}, {"y": [32], "z": ["N", 2]},
                 {"w": rng.standard_normal((64, 32)).astype("f4"), "u": rng.standard_normal((140_000, 2)).astype("f4")})
    _, stderr = quantise(model, tmp_path, "int8-dynamic", None, "--explain")
    assert "node 'vector' (MatMul) stays in floats: its activation is one vector, which has no rows" in stderr
    assert "node 'deep' (MatMul) stays in floats: sums of so many products could leave 32 bits" in stderr
    assert "quantised 0 of 2" in stderr


@pytest.mark.parametrize("kind", ["int8-dynamic", "int4", "f16"])
def test_a_loss_needs_samples(tmp_path, kind):
    stderr = refuse(convolutional(tmp_path / "m.onnx"), tmp_path, kind, None, "--quantize-loss=30")
    assert "--quantize-loss is measured on samples" in stderr and "give some with --calibration=FILE.npz" in stderr


def test_words(tmp_path):
    model = convolutional(tmp_path / "m.onnx")
    assert "'mse' is not understood; int8-dynamic takes no further words" in refuse(model, tmp_path, "int8-dynamic:mse", None, code=2)

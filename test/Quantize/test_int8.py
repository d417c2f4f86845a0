"""--quantize=int8: what the outputs keep, beside onnxruntime's quantiser; widening; what the samples and options may be."""
import json
import re
import subprocess
from xml.etree import ElementTree

import numpy as np
import onnx
import onnxruntime
import pytest
from locations import BUILD
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from quantizing import convolutional, execute, laic, quantise, refuse, report, save, sqnr, transformer
from onnx import helper


class Reader(CalibrationDataReader):
    def __init__(self, feeds):
        self.feeds = iter(feeds)

    def get_next(self):
        return next(self.feeds, None)


def floats(model, feeds):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return np.stack([session.run(None, feed)[0] for feed in feeds])


def peer(model, feeds, path):
    """onnxruntime's static quantisation of the same samples with a scale per channel."""
    quantize_static(str(model), str(path), Reader(feeds), per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return floats(path, feeds)


@pytest.fixture
def images():
    return np.random.default_rng(5).standard_normal((12, 2, 3, 20, 20)).astype("f4")


@pytest.fixture
def tokens():
    return np.random.default_rng(5).integers(0, 96, (12, 2, 9))


def all_outputs(artifact, name, samples, output="y"):
    return np.stack([execute(artifact, {name: sample})[output] for sample in samples])


def test_convolutions_keep_more_than_the_peers(tmp_path, images):
    model = convolutional(tmp_path / "m.onnx")
    feeds = [{"x": x} for x in images]
    artifact, stderr = quantise(model, tmp_path, "int8", {"x": images}, f"--quantize-report={tmp_path / 'report.json'}")
    want = floats(model, feeds)
    ours, theirs = sqnr(want, all_outputs(artifact, "x", images)), sqnr(want, peer(model, feeds, tmp_path / "peer.onnx"))
    assert ours > theirs + 2 and ours > 25, (ours, theirs)
    said = re.search(r"quantised 5 of 5 layers to int8; 'y' keeps (\d+\.\d) dB, (\d+\.\d) % top-1", stderr)
    assert said and abs(float(said[1]) - ours) < 0.1, stderr


def test_transformers_keep_more_than_the_peers(tmp_path, tokens):
    model = transformer(tmp_path / "m.onnx")
    feeds = [{"ids": ids} for ids in tokens]
    artifact, stderr = quantise(model, tmp_path, "int8", {"ids": tokens})
    want = floats(model, feeds)
    ours, theirs = sqnr(want, all_outputs(artifact, "ids", tokens)), sqnr(want, peer(model, feeds, tmp_path / "peer.onnx"))
    assert ours > theirs + 2 and ours > 25, (ours, theirs)
    assert "quantised 5 of 5 layers" in stderr  # the head's weights are a transposed table; products of activations are left alone


def test_weights_become_bytes(tmp_path):
    rng = np.random.default_rng(0)
    w = (rng.standard_normal((1024, 1024)) / 32).astype("f4")
    model = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], "product")], {"x": ["N", 1024]}, {"y": ["N", 1024]}, {"w": w})
    x = rng.standard_normal((4, 3, 1024)).astype("f4")
    artifact, _ = quantise(model, tmp_path, "int8", {"x": x})
    assert artifact.stat().st_size < 1.25 * w.size
    assert sqnr(x @ w, all_outputs(artifact, "x", x)) > 35


@pytest.mark.parametrize("method", ["mse", "minmax", "percentile", "entropy"])
def test_ranges(tmp_path, images, method):
    model = convolutional(tmp_path / "m.onnx")
    _, stderr = quantise(model, tmp_path, f"int8:{method}", {"x": images}, "--quantize-loss=0", f"--quantize-report={tmp_path / 'report.json'}")
    first = report(tmp_path)["layers"][0]
    lo, hi = first["range"]
    step = (images.max() - images.min()) / 255
    assert images.min() - step <= lo < 0 < hi <= images.max() + step
    if method == "minmax":
        assert hi - lo == pytest.approx(images.max() - images.min()) and first["saturated"] < 1e-3
    assert first["seen"] == pytest.approx([images.min(), images.max()])
    assert sum(first["histogram"]) == images.size


def test_widening_keeps_what_is_asked_for(tmp_path, images):
    model = convolutional(tmp_path / "m.onnx")
    feeds = [{"x": x} for x in images]
    _, all_narrow = quantise(model, tmp_path, "int8", {"x": images}, "--quantize-loss=0")
    most = float(re.search(r"keeps (\d+\.\d) dB", all_narrow)[1])
    artifact, stderr = quantise(model, tmp_path, "int8", {"x": images}, f"--quantize-loss={most + 4}", "--explain")
    kept = re.findall(r"node '(\w+)' \(\w+\) stays in floats: the outputs would lose more than --quantize-loss allows", stderr)
    assert 0 < len(kept) < 5, stderr
    assert f"quantised {5 - len(kept)} of 5" in stderr
    assert sqnr(floats(model, feeds), all_outputs(artifact, "x", images)) >= most + 4
    _, stderr = quantise(model, tmp_path, "int8", {"x": images}, "--quantize-loss=150")
    assert "quantised 0 of 5" in stderr
    _, stderr = quantise(model, tmp_path, "int8", {"x": images}, "--quantize-loss=top1=100")
    assert "100.0 % top-1" in stderr


def test_keep_float(tmp_path, images):
    model = convolutional(tmp_path / "m.onnx")
    _, stderr = quantise(model, tmp_path, "int8", {"x": images}, "--keep-float=head,*wise", "--explain")
    assert "quantised 2 of 5" in stderr
    for name in ("head", "depthwise", "pointwise"):
        assert f"node '{name}'" in stderr and "stays in floats: --keep-float names it" in stderr
    assert "--keep-float=nothing* matches no node" in refuse(model, tmp_path / "..", "int8", {"x": images}, "--keep-float=nothing*")


def test_same_bytes_on_any_number_of_threads(tmp_path, images, tokens):
    for model, samples in ((convolutional(tmp_path / "c.onnx"), {"x": images}), (transformer(tmp_path / "t.onnx"), {"ids": tokens})):
        made = []
        for threads in (1, 2):
            artifact, _ = quantise(model, tmp_path, "int8", samples, f"--threads={threads}", "--quantize-loss=40")
            made.append(artifact.read_bytes())
        assert made[0] == made[1]


def test_float_factors_stay(tmp_path):
    w = np.random.default_rng(0).standard_normal((8, 8)).astype("f4")
    model = save(tmp_path / "m.onnx", [helper.make_node("Gemm", ["x", "w"], ["h"], "scaled", alpha=0.5), helper.make_node("MatMul", ["h", "w"], ["y"], "plain")],
                 {"x": [4, 8]}, {"y": [4, 8]}, {"w": w})
    _, stderr = quantise(model, tmp_path, "int8", {"x": np.random.default_rng(1).standard_normal((3, 4, 8)).astype("f4")}, "--explain")
    assert "node 'scaled' (Gemm) stays in floats: its factors or its transposed A have no form in integers" in stderr
    assert "quantised 1 of 2" in stderr


def both(tmp_path, nodes, inputs, outputs, constants, count=6, loss=28):
    """Quantises a small model and holds its output on other inputs to onnxruntime's."""
    rng = np.random.default_rng(2)
    model = save(tmp_path / "m.onnx", nodes, inputs, outputs, constants)
    shapes = {name: tuple(d if isinstance(d, int) else 3 for d in shape) for name, shape in inputs.items()}
    artifact, stderr = quantise(model, tmp_path, "int8", {n: rng.standard_normal((count, *s)).astype("f4") for n, s in shapes.items()}, "--quantize-loss=0")
    feed = {n: rng.standard_normal(s).astype("f4") for n, s in shapes.items()}
    for name in outputs:
        want = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run([name], feed)[0]
        assert sqnr(want, execute(artifact, feed)[name]) > loss, name
    return stderr


def test_one_activation_with_channels_on_two_axes(tmp_path):
    """A convolution takes the second axis for its channels, a product the last one."""
    rng = np.random.default_rng(0)
    w1, w2 = rng.standard_normal((5, 12, 3)).astype("f4"), rng.standard_normal((8, 40)).astype("f4")
    spread = np.where(np.arange(12) == 3, 50, 1).astype("f4")[:, None]
    nodes = [helper.make_node("Mul", ["x", "s"], ["m"], "spread"), helper.make_node("Conv", ["m", "w1"], ["y"], "conv"),
             helper.make_node("MatMul", ["m", "w2"], ["z"], "matmul")]
    stderr = both(tmp_path, nodes, {"x": ["N", 12, 8]}, {"y": ["N", 5, 6], "z": ["N", 12, 40]}, {"w1": w1 / spread[None, :, 0:1], "w2": w2, "s": spread}, loss=20)
    assert "quantised 2 of 2" in stderr


@pytest.mark.parametrize("c", [(3, 16), (3, 1), (1,), (16,), (1, 16)])
@pytest.mark.parametrize("constant", [True, False])
def test_gemm_keeps_whatever_it_adds(tmp_path, c, constant):
    """Only a constant per column takes the mean error off; everything else stays as it is."""
    rng = np.random.default_rng(0)
    added = 20 + rng.standard_normal(c).astype("f4")
    inputs = {"x": [3, 32]} if constant else {"x": [3, 32], "c": list(c)}
    constants = {"w": rng.standard_normal((32, 16)).astype("f4"), **({"c": added} if constant else {})}
    both(tmp_path, [helper.make_node("Gemm", ["x", "w", "c"], ["y"], "gemm")], inputs, {"y": [3, 16]}, constants)


def test_batch_normalisation_is_part_of_its_layer(tmp_path, images):
    """Behind convolutions with and without bias, and behind a Gemm; not where something else reads what it reads, nor the batch's own."""
    rng = np.random.default_rng(0)
    node = helper.make_node
    channels = {"c": 16, "d": 12, "g": 10, "k": 12}
    constants = {f"{s}.{n}": v.astype("f4") for n, c in channels.items() for s, v in
                 {"s": rng.uniform(0.2, 4, c), "b": rng.standard_normal(c), "m": rng.standard_normal(c), "v": rng.uniform(0.01, 9, c)}.items()}
    constants |= {"w": rng.standard_normal((16, 3, 3, 3)).astype("f4"), "bias": rng.standard_normal(16).astype("f4"),
                  "w2": rng.standard_normal((12, 16, 1, 1)).astype("f4"), "w3": rng.standard_normal((12, 10)).astype("f4"),
                  "w4": rng.standard_normal((12, 12, 1, 1)).astype("f4")}

    def norm(x, y, n, **attributes):
        return node("BatchNormalization", [x, *(f"{s}.{n}" for s in "sbmv")], [y], f"norm.{n}", **attributes)
    nodes = [node("Conv", ["x", "w", "bias"], ["c0"], "first"), norm("c0", "c1", "c", epsilon=0.1), node("Relu", ["c1"], ["c2"], "relu"),
             node("Conv", ["c2", "w2"], ["d0"], "second"), norm("d0", "d1", "d"), node("Conv", ["d1", "w4"], ["k0"], "shared"), norm("k0", "k1", "k"),
             node("Add", ["k0", "k1"], ["both"], "both"), node("GlobalAveragePool", ["both"], ["p"], "pool"), node("Flatten", ["p"], ["f"], "flat"),
             node("Gemm", ["f", "w3"], ["g0"], "head"), norm("g0", "y", "g")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 3, 20, 20]}, {"y": ["N", 10]}, constants)
    feeds = [{"x": x} for x in images]
    artifact, stderr = quantise(model, tmp_path, "int8", {"x": images})
    want = floats(model, feeds)
    least = sqnr(want, peer(model, feeds, tmp_path / "peer.onnx")) + 2
    assert "quantised 4 of 4 layers" in stderr and sqnr(want, all_outputs(artifact, "x", images)) > least
    done = laic(model, "-o", tmp_path / "q.onnx", "--quantize=int8", f"--calibration={tmp_path / 'samples.npz'}", "--emit=onnx")
    assert done.returncode == 0, done.stderr
    written = onnx.load(tmp_path / "q.onnx").graph.node
    assert [n.name for n in written if n.op_type == "BatchNormalization"] == ["norm.k"]
    assert sqnr(want, floats(tmp_path / "q.onnx", feeds)) > least


def test_bytes_are_moved_and_not_floats(tmp_path, images):
    """Branches that are joined, and pooled, before a layer reads them are rounded where they are computed: no kernel moves floats."""
    rng = np.random.default_rng(0)
    node = helper.make_node
    nodes = [node("Conv", ["x", "w"], ["a"], "stem"), node("Relu", ["a"], ["b"], "relu"), node("MaxPool", ["b"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
             node("Conv", ["p", "w1"], ["c"], "narrow"), node("Relu", ["c"], ["d"], "relu1"), node("Conv", ["p", "w3"], ["e"], "wide", pads=[1, 1, 1, 1]),
             node("Relu", ["e"], ["f"], "relu3"), node("Concat", ["d", "f"], ["g"], "join", axis=1), node("Conv", ["g", "w2"], ["y"], "last")]
    shapes = {"w": (16, 3, 3, 3), "w1": (16, 16, 1, 1), "w3": (16, 16, 3, 3), "w2": (8, 32, 1, 1)}
    constants = {n: (rng.standard_normal(s) / np.sqrt(np.prod(s[1:]))).astype("f4") for n, s in shapes.items()}
    model = save(tmp_path / "m.onnx", nodes, {"x": [2, 3, 20, 20]}, {"y": [2, 8, 9, 9]}, constants)
    artifact, stderr = quantise(model, tmp_path, "int8", {"x": images})
    assert "quantised 4 of 4 layers" in stderr
    feeds = [{"x": x} for x in images]
    got, want = all_outputs(artifact, "x", images), floats(model, feeds)
    assert sqnr(want, got) > sqnr(want, peer(model, feeds, tmp_path / "peer.onnx")) + 2
    steps = json.loads(subprocess.run([BUILD / "bin" / "laic-inspect", artifact, "--json"], capture_output=True, text=True).stdout)["plans"][0]["steps"]
    moves = [s["kernel"] for s in steps if s["kernel"].startswith(("laic_concat", "laic_reduce"))]
    assert len(moves) == 2 and not any("f32" in kernel for kernel in moves), [s["kernel"] for s in steps]


def test_convolution_with_a_bias_that_comes_in(tmp_path):
    w = np.random.default_rng(0).standard_normal((6, 4, 3)).astype("f4")
    both(tmp_path, [helper.make_node("Conv", ["x", "w", "b"], ["y"], "conv")], {"x": ["N", 4, 20], "b": [6]}, {"y": ["N", 6, 18]}, {"w": w})


def test_weights_cut_from_one_constant(tmp_path):
    w = np.random.default_rng(0).standard_normal((32, 24)).astype("f4")
    nodes = [helper.make_node("Split", ["w"], ["u", "v"], "split", axis=1, num_outputs=2), helper.make_node("MatMul", ["x", "u"], ["y"], "a"),
             helper.make_node("MatMul", ["x", "v"], ["z"], "b")]
    assert "quantised 2 of 2" in both(tmp_path, nodes, {"x": ["N", 32]}, {"y": ["N", 12], "z": ["N", 12]}, {"w": w})


@pytest.mark.parametrize("kind", ["int8", "int8-dynamic", "int4"])
def test_a_stack_of_one_matrix(tmp_path, kind):
    """[1, K, N] as exporters of some frameworks write it; what would change the result's rank stays."""
    rng = np.random.default_rng(0)
    w, v = rng.standard_normal((1, 64, 48)).astype("f4"), rng.standard_normal((1, 48, 64)).astype("f4")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "stacked"), helper.make_node("MatMul", ["x2", "v"], ["z"], "longer")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 5, 64], "x2": [7, 48]}, {"y": ["N", 5, 48], "z": [1, 7, 64]}, {"w": w, "v": v})
    samples = {"x": rng.standard_normal((4, 2, 5, 64)).astype("f4"), "x2": rng.standard_normal((4, 7, 48)).astype("f4")}
    artifact, stderr = quantise(model, tmp_path, kind, samples, "--quantize-loss=0")
    assert "quantised 1 of 1" in stderr
    got = execute(artifact, {name: stack[0] for name, stack in samples.items()})
    assert sqnr(samples["x"][0] @ w, got["y"]) > (16 if kind == "int4" else 35) and sqnr(samples["x2"][0] @ v, got["z"]) > 100


def test_outputs_that_are_zero_do_not_count(tmp_path):
    """Nothing is lost of them."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "a"), helper.make_node("Identity", ["state"], ["next"], "pass")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 16], "state": [4]}, {"y": ["N", 16], "next": [4]}, {"w": rng.standard_normal((16, 16)).astype("f4")})
    samples = {"x": rng.standard_normal((5, 3, 16)).astype("f4"), "state": np.zeros((5, 4), "f4")}
    _, stderr = quantise(model, tmp_path, "int8", samples, f"--quantize-report={tmp_path / 'report.json'}")
    assert "quantised 1 of 1" in stderr and report(tmp_path)["outputs"][1]["sqnr_db"] == 200


def test_quantised_models_stay_as_they_are(tmp_path):
    """Constants in bytes are not made floats to be quantised again."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
             helper.make_node("DequantizeLinear", ["w", "ws"], ["f"]), helper.make_node("MatMul", ["d", "f"], ["y"], "product")]
    constants = {"s": np.float32(0.02), "z": np.uint8(128), "w": rng.integers(-100, 100, (512, 256)).astype("i1"), "ws": np.float32(0.01)}
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 512]}, {"y": ["N", 256]}, constants)
    artifact, stderr = quantise(model, tmp_path, "int8", {"x": rng.standard_normal((4, 2, 512)).astype("f4")})
    assert "--quantize has found nothing: no Conv, MatMul or Gemm has constant weights on the right" in stderr
    assert "bodies of branches and loops are not looked into, nor other types than f32, f16 and bf16" in stderr
    assert "quantised 0 of 0" in stderr and artifact.stat().st_size < 2.2 * 512 * 256


def test_random_numbers_in_front_of_a_product(tmp_path):
    nodes = [helper.make_node("RandomUniform", [], ["r"], "random", shape=[4, 16], seed=1.0), helper.make_node("Add", ["r", "x"], ["a"], "add"),
             helper.make_node("MatMul", ["r", "w"], ["p"], "product"), helper.make_node("Add", ["p", "a"], ["y"], "sum")]
    model = save(tmp_path / "m.onnx", nodes, {"x": [4, 16]}, {"y": [4, 16]}, {"w": np.eye(16, dtype="f4")})
    quantise(model, tmp_path, "int8", {"x": np.random.default_rng(0).standard_normal((4, 4, 16)).astype("f4")}, "--quantize-loss=0")


def test_infinite_activations(tmp_path):
    """A mask of minus infinity learns no range and no bias."""
    w = np.abs(np.random.default_rng(0).standard_normal((16, 8))).astype("f4")
    mask = np.zeros(16, "f4")
    mask[3] = -np.inf
    nodes = [helper.make_node("Add", ["x", "mask"], ["m"], "masked"), helper.make_node("Exp", ["m"], ["e"], "exp"), helper.make_node("MatMul", ["m", "w"], ["y"], "infinite"),
             helper.make_node("MatMul", ["e", "w"], ["z"], "finite")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 16]}, {"y": ["N", 8], "z": ["N", 8]}, {"mask": mask, "w": w})
    artifact, _ = quantise(model, tmp_path, "int8", {"x": np.random.default_rng(1).standard_normal((6, 3, 16)).astype("f4")}, "--quantize-loss=0", "--keep-float=infinite")
    feed = {"x": np.random.default_rng(2).standard_normal((3, 16)).astype("f4")}
    want = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(["z"], feed)[0]
    assert sqnr(want, execute(artifact, feed)["z"]) > 25


def test_values_that_leave_the_model_stay_whole(tmp_path):
    """A ReLU and a sum that are outputs, too."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Conv", ["x", "w1"], ["c"], "a"), helper.make_node("Relu", ["c"], ["r"], "relu"), helper.make_node("Conv", ["r", "w2"], ["d"], "b"),
             helper.make_node("Add", ["d", "r"], ["s"], "sum"), helper.make_node("Conv", ["s", "w2"], ["y"], "c")]
    constants = {"w1": rng.standard_normal((4, 3, 1, 1)).astype("f4"), "w2": rng.standard_normal((4, 4, 1, 1)).astype("f4")}
    shape = ["N", 4, 5, 5]
    both(tmp_path, nodes, {"x": ["N", 3, 5, 5]}, {"y": shape, "r": shape, "s": shape}, constants)


def test_weights_that_are_not_finite_stay(tmp_path):
    w = np.ones((8, 8), "f4")
    w[2, 3] = np.nan
    model = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], "odd")], {"x": [4, 8]}, {"y": [4, 8]}, {"w": w})
    _, stderr = quantise(model, tmp_path, "int8", {"x": np.random.default_rng(1).standard_normal((3, 4, 8)).astype("f4")}, "--explain")
    assert "node 'odd' (MatMul) stays in floats: its weights hold NaN or infinity" in stderr


# ---- samples ----

def test_samples_by_number(tmp_path):
    """name/i: one array a sample, of sizes of its own."""
    model = convolutional(tmp_path / "m.onnx")
    rng = np.random.default_rng(1)
    samples = {f"x/{i}": rng.standard_normal((1 + i, 3, 20, 20)).astype("f4") for i in range(3)}
    _, stderr = quantise(model, tmp_path, "int8", samples)
    assert "quantised 5 of 5" in stderr and "warning" not in stderr


@pytest.mark.parametrize("samples, texts", [
    ({"image": np.zeros((2, 1, 3, 20, 20), "f4")}, ["has no samples of input 'x'; it has 'image'", "stack the samples on a new first axis of 'x'"]),
    ({}, ["samples.npz is empty", "give every input of the model with at least one sample"]),
    ({"x": np.zeros((0, 1, 3, 20, 20), "f4")}, ["has no samples of input 'x'"]),
    ({"x": np.zeros((2, 1, 3, 20, 21), "f4")}, ["has 'x' as <f4 with samples of shape [1, 3, 20, 21], which does not fit the input's tensor<?x3x20x20xf32>",
                                             "a sample has the input's own shape and the element type <f4"]),
    ({"x": np.zeros((2, 1, 3, 20, 20), "f8")}, ["has 'x' as <f8"]),
    ({"x": np.full((2, 1, 3, 20, 20), np.nan, "f4")}, ["holds NaN or infinity in 'x'", "nothing can be learnt from such numbers"]),
    ({"x": np.ones((2, 1, 3, 20, 20), "f4"), "z": np.ones(3, "f4")}, ["has 'z', which is no input of the model", "the inputs are 'x'"]),
])
def test_refuses_samples(tmp_path, samples, texts):
    stderr = refuse(convolutional(tmp_path / "m.onnx"), tmp_path, "int8", samples)
    for text in texts:
        assert text in stderr


def test_refuses_samples_of_different_counts(tmp_path):
    model = save(tmp_path / "m.onnx", [helper.make_node("Add", ["x", "y"], ["z"])], {"x": [2], "y": [2]}, {"z": [2]}, {})
    stderr = refuse(model, tmp_path, "int8", {"x": np.ones((3, 2), "f4"), "y": np.ones((2, 2), "f4")})
    assert "has 2 samples of input 'y', but 3 of the inputs before" in stderr


def test_refuses_inputs_that_no_array_holds(tmp_path):
    model = onnx.parser.parse_model('<ir_version: 10, opset_import: ["": 21]> g (bfloat16[4] x) => (bfloat16[4] y) { y = Relu(x) }')
    onnx.save(model, tmp_path / "m.onnx")
    assert "inputs of this element type cannot be calibrated" in refuse(tmp_path / "m.onnx", tmp_path, "int8", {"x": np.ones((2, 4), "f4")})


def test_refuses_samples_that_the_model_refuses(tmp_path):
    model = transformer(tmp_path / "m.onnx")
    stderr = refuse(model, tmp_path, "int8", {"ids": np.full((2, 1, 4), 1000)})
    assert "--calibration: the model fails on the samples: sample 0:" in stderr


def test_one_sample_and_constant_samples_are_warned_about(tmp_path):
    model = convolutional(tmp_path / "m.onnx")
    _, stderr = quantise(model, tmp_path, "int8", {"x": np.full((1, 1, 3, 20, 20), 0.5, "f4")}, "--explain")
    assert "has one sample; what is learnt from it may not hold for others" in stderr
    assert "'x' of" in stderr and "has the same value everywhere; what is learnt from it says little" in stderr
    assert "node 'first' (Conv) stays in floats: its activation had one value on all samples" in stderr


def test_zeros_give_finite_results(tmp_path):
    """Never a scale of zero or NaN."""
    model = convolutional(tmp_path / "m.onnx")
    artifact, _ = quantise(model, tmp_path, "int8", {"x": np.zeros((2, 1, 3, 20, 20), "f4")}, "--quantize-loss=0")
    assert np.isfinite(execute(artifact, {"x": np.ones((1, 3, 20, 20), "f4")})["y"]).all()


def test_from_python(tmp_path, images):
    """Samples as arrays; what was done stands in the compilation."""
    import laic as package
    model = package.compile(convolutional(tmp_path / "m.onnx"), quantize="int8", calibration={"x": images}, keep_float="head")
    assert re.match(r"quantised 4 of 5 layers to int8; 'y' keeps \d+\.\d dB", model.compilation.quantization)
    artifact, _ = quantise(tmp_path / "m.onnx", tmp_path, "int8", {"x": images}, "--keep-float=head")
    assert model.compilation.artifact == artifact.read_bytes()
    with pytest.raises(package.CompileError, match="has no samples of input 'x'"):
        package.compile(tmp_path / "m.onnx", quantize="int8", calibration={"y": images})


def test_cache(tmp_path, images):
    """The same model, samples and options are taken from the cache; anything else is made."""
    model, cache = convolutional(tmp_path / "m.onnx"), tmp_path / "cache"
    first, said = quantise(model, tmp_path, "int8", {"x": images}, f"--cache={cache}")
    made = first.read_bytes()
    assert "quantised 5 of 5" in said and len(list(cache.rglob("*"))) > 0
    again, said = quantise(model, tmp_path, "int8", {"x": images}, f"--cache={cache}")
    assert again.read_bytes() == made and "quantised" not in said
    for samples, kind, options in (({"x": images * 2}, "int8", []), ({"x": images}, "int8:minmax", []), ({"x": images}, "int8", ["--keep-float=head"]),
                                   ({"x": images}, "int8", ["--quantize-loss=30"])):
        _, said = quantise(model, tmp_path, kind, samples, f"--cache={cache}", *options)
        assert "quantised" in said


# ---- options ----

@pytest.mark.parametrize("options, text", [
    (["--quantize=int5"], "--quantize=int5: expects int8, int8-dynamic, int8-weights, int4, f16 or bf16"),
    (["--quantize=f16:32"], "'32' is not understood; f16 takes no further words"),
    (["--quantize=int8:best"], "'best' is not understood; int8 takes mse, minmax, percentile or entropy"),
    (["--quantize=int4:48"], "'48' is not understood; int4 takes a block size (32, 64, 128) and asymmetric"),
    (["--quantize=int8", "--quantize-loss=loud"], "--quantize-loss=loud: expects decibels (20), or top1=PERCENT (top1=99)"),
    (["--quantize=int8", "--quantize-loss=top1=101"], "--quantize-loss=top1=101: expects"),
    (["--quantize=int4", "--to=import", "--emit=mlir"], "--quantize works in phase quantize, which --from or --to leaves out\n  note: start before it, and stop behind it"),
    (["--quantize-loss=20"], "--quantize-loss needs --quantize=KIND"),
    (["--keep-float=a"], "--keep-float needs --quantize=KIND"),
    (["--quantize=int8", "--quantize-report=r.txt"], "--quantize-report=r.txt: expects a file that ends in .json or .html"),
])
def test_refuses_options(tmp_path, options, text):
    done = laic(convolutional(tmp_path / "m.onnx"), "-o", tmp_path / "q.bin", *options)
    assert done.returncode == 2 and text in done.stderr, done.stderr


def test_needs_samples(tmp_path):
    stderr = refuse(convolutional(tmp_path / "m.onnx"), tmp_path, "int8", None)
    assert "--quantize=int8 learns the ranges of activations from samples" in stderr
    assert "give some with --calibration=FILE.npz, or have ranges found when the model runs, with --quantize=int8-dynamic" in stderr


def test_report_as_a_page(tmp_path, images):
    """Every layer has a row with its numbers and a picture; names are escaped."""
    model = onnx.load(convolutional(tmp_path / "m.onnx"))
    model.graph.node[0].name = "<first>"
    onnx.save(model, tmp_path / "m.onnx")
    quantise(tmp_path / "m.onnx", tmp_path, "int8", {"x": images}, "--keep-float=head", f"--quantize-report={tmp_path / 'report.html'}")
    page = (tmp_path / "report.html").read_text()
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>").replace("&rarr;", "->").replace('<meta charset="utf-8">', ""))
    outputs, layers = root.iter("table")
    rows = [["".join(cell.itertext()) for cell in row] for row in layers.iter("tr")][1:]
    assert [row[0] for row in rows] == ["<first>", "depthwise", "pointwise", "strided", "head"]
    assert rows[4][2] == "float: --keep-float names it" and rows[0][2] == "quantised"
    assert rows[0][3] == "1728 -> 496" and all(20 < float(row[i]) < 80 for row in rows[:4] for i in (4, 5))
    assert all(len(list(picture)) > 10 for picture in layers.iter("svg"))
    assert "12 samples" in page and " ms on the CPU of this machine, in floats " in page
    assert [cell.text for cell in outputs.iter("td")][0] == "y"


def test_report_for_programs(tmp_path, images):
    quantise(convolutional(tmp_path / "m.onnx"), tmp_path, "int8", {"x": images}, f"--quantize-report={tmp_path / 'report.json'}")
    said = report(tmp_path)
    assert said["model"] == "g" and said["quantize"] == "int8" and said["samples"] == 12
    assert 3.5 < said["weights"]["float_bytes"] / said["weights"]["bytes"] < 4
    assert {"name", "sqnr_db", "worst_sample", "worst_sample_sqnr_db", "top1_agreement_percent"} <= set(said["outputs"][0])
    for layer in said["layers"]:  # an estimate, and what was measured with the noise of the layers before
        assert layer["sqnr_in_context_db"] < layer["sqnr_alone_db"] + 3
    assert 0 < said["this_cpu"]["ms"] < 100 and 0 < said["this_cpu"]["float_ms"] < 100
    first = said["layers"][0]
    assert abs(first["sqnr_in_context_db"] - first["sqnr_alone_db"]) < 3  # nothing comes before it


def test_report_that_cannot_be_written(tmp_path, images):
    stderr = refuse(convolutional(tmp_path / "m.onnx"), tmp_path, "int8", {"x": images}, f"--quantize-report={tmp_path / 'nowhere' / 'r.json'}")
    assert "--quantize-report: cannot" in stderr


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_for_a_processor_of_another_kind(tmp_path, tokens, kind):
    """Samples run on this machine, whoever the artifact is for: what is quantised and kept is the same as for its own."""
    model, said = transformer(tmp_path / "m.onnx"), set()
    for level in ("native", "aarch64:v8", "aarch64:v8,native"):
        _, stderr = quantise(model, tmp_path, kind, {"ids": tokens}, "--quantize-loss=0", f"--cpu={level}")
        assert "keeps" in stderr
        said.add(stderr)
    assert len(said) == 1

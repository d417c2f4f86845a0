"""--quantize=f16 and bf16: what the outputs keep, what stays in f32 and why, and that a range that is left is guarded."""
import importlib.util
import os
import re

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from quantizing import convolutional, execute, laic, quantise, report, save, sqnr, transformer

RNG = np.random.default_rng(3)
LEAST = {"f16": 50, "bf16": 35}  # decibels that small networks keep at least
WARNING = "nothing guards against values beyond the range of f16 without samples"


def oracle(model, feed):
    """onnxruntime's first output, in f32."""
    return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(None, feed)[0]


def reasons(stderr):
    """{node: why it stays in f32}, of --explain."""
    return dict(re.findall(r"node '(.*?)' \(\w+\) stays in f32: (.*)", stderr))


def feed_of(make):
    return {"x": RNG.standard_normal((2, 3, 20, 20)).astype("f4")} if make is convolutional else {"ids": RNG.integers(0, 96, (2, 9))}


def stacked(feed, count=3):
    return {name: np.stack([value] * count) for name, value in feed.items()}


# ---- what is kept ----

@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("make", [convolutional, transformer])
def test_small_networks(tmp_path, make, kind):
    """All operators are converted, inputs and outputs are not, and the summary says what onnxruntime says."""
    model, feed = make(tmp_path / "m.onnx"), feed_of(make)
    artifact, stderr = quantise(model, tmp_path, kind, stacked(feed))
    what = {"f16": "operators to f16", "bf16": "operators to bf16"}[kind]
    done, of, said = re.search(rf"converted (\d+) of (\d+) {what}; 'y' keeps (\d+\.\d) dB", stderr).groups()
    assert done == of
    got, want = execute(artifact, feed)["y"], oracle(model, feed)
    assert got.dtype == np.float32
    kept = sqnr(want, got)
    assert LEAST[kind] < kept < 90  # more would be f32
    assert abs(kept - float(said)) < 0.2


@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_without_samples(tmp_path, kind):
    """Only f16 has a range to fear for; one warning says so."""
    model, feed = transformer(tmp_path / "m.onnx"), feed_of(transformer)
    artifact, stderr = quantise(model, tmp_path, kind)
    assert stderr.count(WARNING) == (kind == "f16")
    assert sqnr(oracle(model, feed), execute(artifact, feed)["y"]) > LEAST[kind]


@pytest.mark.parametrize("kind", ["f16", "bf16"])
def test_half_the_bytes(tmp_path, kind):
    w = (RNG.standard_normal((1024, 1024)) / 32).astype("f4")
    model = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], "p")], {"x": ["N", 1024]}, {"y": ["N", 1024]}, {"w": w})
    assert laic(model, "-o", tmp_path / "f.bin").returncode == 0
    artifact, _ = quantise(model, tmp_path, kind, None, f"--quantize-report={tmp_path / 'report.json'}")
    assert 0.4 < artifact.stat().st_size / (tmp_path / "f.bin").stat().st_size < 0.6
    layer, = report(tmp_path)["layers"]
    assert layer["bytes"] * 2 == layer["float_bytes"] == w.nbytes and layer["quantized"]
    got = execute(artifact, {"x": np.eye(1024, dtype="f4")})["y"]
    assert np.array_equal(got, w.astype({"f16": "f2", "bf16": ml_dtypes.bfloat16}[kind]).astype("f4"))


def test_rounds_to_nearest_even(tmp_path):
    """Ties, subnormal numbers and the largest finite f16."""
    bits = np.array([0x3F801000, 0x3F803000, 0x3F801001, 0x33000001, 0x33800000, 0x387FE000, 0x38800000, 0x477FE000, 0xC77FE000, 0xBF802FFF], "u4")
    values = bits.view("f4")
    table = np.concatenate([values, np.full(246, 1000, "f4")]).reshape(256, 1)  # in whose company small ones do not count
    graph = helper.make_graph([helper.make_node("Gather", ["t", "i"], ["y"], "g")], "g", [helper.make_tensor_value_info("i", TensorProto.INT64, ["N"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 1])], [numpy_helper.from_array(table, "t")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "m.onnx")
    artifact, _ = quantise(tmp_path / "m.onnx", tmp_path, "f16")
    got = execute(artifact, {"i": np.arange(len(values))})["y"][:, 0]
    assert np.array_equal(got, values.astype("f2").astype("f4")) and not np.array_equal(got, values)


def test_threads_do_not_change_bits(tmp_path):
    model, feed = convolutional(tmp_path / "m.onnx"), feed_of(convolutional)
    first, _ = quantise(model, tmp_path, "f16", stacked(feed), "--threads=1")
    bytes_of_first = first.read_bytes()
    one = execute(first, feed, "--threads=1")["y"]
    second, _ = quantise(model, tmp_path, "f16", stacked(feed), "--threads=2")
    assert bytes_of_first == second.read_bytes()
    assert np.array_equal(one, execute(second, feed, "--threads=2")["y"])


def test_dynamic_sizes(tmp_path):
    """Compiled once, run at sizes that no sample has."""
    model = transformer(tmp_path / "m.onnx")
    artifact, _ = quantise(model, tmp_path, "f16", {"ids": RNG.integers(0, 96, (2, 1, 5))})
    for shape in ((1, 1), (3, 17)):
        ids = RNG.integers(0, 96, shape)
        assert sqnr(oracle(model, {"ids": ids}), execute(artifact, {"ids": ids})["y"]) > LEAST["f16"]


# ---- the range of f16 ----

def steep(path):
    """x (w times 300) 300 / 90000: up to 1e5 in the middle, though no constant is beyond the range."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"], "p"), helper.make_node("Mul", ["a", "big"], ["b"], "up"),
             helper.make_node("Mul", ["b", "big"], ["c"], "further"), helper.make_node("Div", ["c", "big"], ["d"], "down"),
             helper.make_node("Div", ["d", "big"], ["e"], "home"), helper.make_node("MatMul", ["e", "w"], ["y"], "q")]
    w = (RNG.standard_normal((32, 32)) / np.sqrt(32)).astype("f4")
    return save(path, nodes, {"x": ["N", 32]}, {"y": ["N", 32]}, {"w": w, "big": np.float32(300)})


def test_what_leaves_the_range_stays_wide(tmp_path):
    model, x = steep(tmp_path / "m.onnx"), RNG.uniform(-1, 1, (4, 32)).astype("f4")
    artifact, stderr = quantise(model, tmp_path, "f16", {"x": np.stack([x, -x])}, "--explain")
    kept = reasons(stderr)
    assert set(kept) == {"further", "down"} and "converted 4 of 6 operators to f16" in stderr
    assert all(re.fullmatch(r"it meets \d\.\dE\+05 on the samples, too near the end of f16 at 65504", why) for why in kept.values()), kept
    assert WARNING not in stderr
    got = execute(artifact, {"x": x})["y"]
    assert np.isfinite(got).all() and sqnr(oracle(model, {"x": x}), got) > LEAST["f16"]


def test_what_leaves_the_range_unseen(tmp_path):
    """Without samples there is a warning, and it is true; bf16 needs neither."""
    model, x = steep(tmp_path / "m.onnx"), RNG.uniform(-1, 1, (4, 32)).astype("f4")
    artifact, stderr = quantise(model, tmp_path, "f16")
    assert WARNING in stderr and "give some with --calibration=FILE.npz, or use --quantize=bf16, which has the range of f32" in stderr
    assert not np.isfinite(execute(artifact, {"x": x})["y"]).all()
    artifact, stderr = quantise(model, tmp_path, "bf16")
    assert "warning" not in stderr and sqnr(oracle(model, {"x": x}), execute(artifact, {"x": x})["y"]) > LEAST["bf16"]


def test_large_inputs(tmp_path):
    """Images a hundred times as large, calibrated for; and inputs that f16 does not hold at all."""
    model = convolutional(tmp_path / "m.onnx")
    for factor in (100, 1e5):
        feed = {"x": factor * feed_of(convolutional)["x"]}
        artifact, stderr = quantise(model, tmp_path, "f16", stacked(feed), "--explain")
        assert ("first" in reasons(stderr)) == (factor > 1000)
        got = execute(artifact, feed)["y"]
        assert np.isfinite(got).all() and sqnr(oracle(model, feed), got) > LEAST["f16"]


@pytest.mark.parametrize("samples", [False, True])
def test_large_constants(tmp_path, samples):
    """1e5 is no f16, and what it multiplied may not be one either until it is normalised."""
    nodes = [helper.make_node("Mul", ["x", "big"], ["a"], "up"), helper.make_node("Add", ["a", "one"], ["b"], "add"),
             helper.make_node("Softmax", ["b"], ["s"], "norm"), helper.make_node("MatMul", ["s", "w"], ["y"], "p")]
    w = RNG.standard_normal((16, 16)).astype("f4")
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 16]}, {"y": ["N", 16]}, {"w": w, "big": np.float32(1e5), "one": np.float32(1)})
    x = RNG.standard_normal((4, 16)).astype("f4")
    artifact, stderr = quantise(model, tmp_path, "f16", {"x": np.stack([x, x])} if samples else None, "--explain")
    kept = reasons(stderr)
    assert set(kept) == {"up", "add", "norm"}
    assert kept["up"] == "its constants reach 1.0E+05, and f16 ends at 65504"
    assert samples or kept["add"] == kept["norm"] == "what it reads may be beyond the range of f16"
    assert sqnr(oracle(model, {"x": x}), execute(artifact, {"x": x})["y"]) > LEAST["f16"]


def test_masks_of_the_least_float(tmp_path):
    """Where(mask, scores, least f32) and a row in which all is masked: equal shares in f32, not NaN."""
    model = onnx.parser.parse_model('<ir_version: 10, opset_import: ["": 21]> g (float[N,8] x, bool[N,8] m) => (float[N,8] y)'
                                    '{ a = MatMul(x, w) \n b = Where(m, a, least) \n y = Softmax(b) }')
    for node, name in zip(model.graph.node, ("p", "mask", "softmax")):
        node.name = name
    constants = {"w": RNG.standard_normal((8, 8)).astype("f4"), "least": np.float32(np.finfo("f4").min)}
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    onnx.save(model, tmp_path / "m.onnx")
    mask = RNG.random((5, 8)) < 0.5
    mask[2] = False
    feed = {"x": RNG.standard_normal((5, 8)).astype("f4"), "m": mask}
    for samples in (None, stacked(feed)):
        artifact, stderr = quantise(tmp_path / "m.onnx", tmp_path, "f16", samples, "--explain")
        assert set(reasons(stderr)) == {"mask", "softmax"}
        got = execute(artifact, feed)["y"]
        assert np.allclose(got[2], 1 / 8) and sqnr(oracle(tmp_path / "m.onnx", feed), got) > LEAST["f16"]


def test_infinite_masks_are_no_large_values(tmp_path):
    """Infinity is the same in f16: nothing stays wide for it."""
    model = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["a"], "p"), helper.make_node("Add", ["a", "mask"], ["b"], "add"),
                                       helper.make_node("Softmax", ["b"], ["y"], "softmax")], {"x": ["N", 8]}, {"y": ["N", 8]},
                 {"w": RNG.standard_normal((8, 8)).astype("f4"), "mask": np.where(np.arange(8) < 5, 0, -np.inf).astype("f4")})
    x = RNG.standard_normal((4, 8)).astype("f4")
    artifact, stderr = quantise(model, tmp_path, "f16", {"x": np.stack([x, x])}, "--explain")
    assert "converted 3 of 3 operators to f16" in stderr
    got = execute(artifact, {"x": x})["y"]
    assert (got[:, 5:] == 0).all() and sqnr(oracle(model, {"x": x}), got) > LEAST["f16"]


# ---- what stays in f32 ----

def test_small_constants(tmp_path):
    """1e-12 is zero in f16, where a variance of zero would be divided by it."""
    nodes = [helper.make_node("Abs", ["x"], ["a"], "abs"), helper.make_node("Add", ["a", "eps"], ["b"], "guard"),
             helper.make_node("Div", ["x", "b"], ["y"], "divide")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N"]}, {"y": ["N"]}, {"eps": np.float32(1e-12)})
    _, stderr = quantise(model, tmp_path, "f16", None, "--explain")
    assert reasons(stderr) == {"guard": "its constants are too small for f16"}
    _, stderr = quantise(model, tmp_path, "bf16", None, "--explain")
    assert reasons(stderr) == {}


def test_norms_in_pieces(tmp_path):
    """Squares of small and large values, which f16 does not hold, on the way to a square root."""
    node = helper.make_node
    nodes = [node("MatMul", ["x", "w"], ["h"], "p"), node("ReduceMean", ["h", "last"], ["m"], "mean"), node("Sub", ["h", "m"], ["d"], "centre"),
             node("Pow", ["d", "two"], ["s"], "square"), node("ReduceMean", ["s", "last"], ["v"], "variance"), node("Add", ["v", "eps"], ["e"], "guard"),
             node("Sqrt", ["e"], ["r"], "root"), node("Div", ["d", "r"], ["n"], "divide"), node("MatMul", ["n", "w"], ["y"], "q")]
    constants = {"w": RNG.standard_normal((32, 32)).astype("f4"), "last": np.array([-1]), "two": np.float32(2), "eps": np.float32(1e-5)}
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 32]}, {"y": ["N", 32]}, constants)
    artifact, stderr = quantise(model, tmp_path, "f16", None, "--explain")
    kept = reasons(stderr)
    assert set(kept) == {"square", "variance", "guard", "root"}
    assert kept["root"] == "it is not among the operators that are converted to f16" and kept["square"] == "what reads it stays in f32"
    for scale in (1e-2, 1, 500):
        x = (scale * RNG.standard_normal((4, 32))).astype("f4")
        assert sqnr(oracle(model, {"x": x}), execute(artifact, {"x": x})["y"]) > LEAST["f16"]


def test_positions_and_sizes(tmp_path):
    """Positions times frequencies under a cosine, and a size that floats compute: off by one in f16."""
    text = ('<ir_version: 10, opset_import: ["": 21]> g (int64[N] i, float[M] x) => (float[N] y, float[K] z)'
            '{ f = Cast<to=1>(i) \n a = Mul(f, frequency) \n c = Cos(a) \n y = Mul(c, two) \n'
            '  s = Shape(x) \n sf = Cast<to=1>(s) \n sh = Mul(sf, two) \n k = Cast<to=7>(sh) \n z = Expand(one, k) }')
    model = onnx.parser.parse_model(text)
    for node in model.graph.node:
        node.name = node.output[0]
    constants = {"frequency": np.float32(0.37), "two": np.float32(2), "one": np.ones(1, "f4")}
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    onnx.save(model, tmp_path / "m.onnx")
    feed = {"i": np.arange(3000, 6000), "x": np.zeros(2049, "f4")}
    artifact, stderr = quantise(tmp_path / "m.onnx", tmp_path, "f16", None, "--explain")
    kept = reasons(stderr)
    assert kept["a"] == kept["sh"] == "it computes with integers, of which f16 holds few digits" and "c" in kept
    got = execute(artifact, feed)
    assert got["z"].shape == (4098,) and sqnr(oracle(tmp_path / "m.onnx", feed), got["y"]) > LEAST["f16"]


def test_movement_follows(tmp_path):
    """What is moved from an input to an output keeps all of its digits, and goes through no cast."""
    nodes = [helper.make_node("Transpose", ["x"], ["t"], "turn", perm=[1, 0]), helper.make_node("Sqrt", ["t"], ["y"], "root")]
    model = save(tmp_path / "m.onnx", nodes, {"x": [8, 4]}, {"y": [4, 8]}, {})
    x = RNG.random((8, 4)).astype("f4")
    artifact, stderr = quantise(model, tmp_path, "f16", None, "--explain")
    assert reasons(stderr)["turn"] == "what reads it stays in f32"
    assert np.allclose(execute(artifact, {"x": x})["y"], np.sqrt(x.T), rtol=1e-6)
    model = save(tmp_path / "m.onnx", nodes[:1], {"x": [8, 4]}, {"t": [4, 8]}, {})
    artifact, stderr = quantise(model, tmp_path, "f16", None, "--explain")
    assert reasons(stderr) == {"turn": "what it moves is in f32"} and np.array_equal(execute(artifact, {"x": x})["t"], x.T)


def test_casts_come_in_no_pairs(tmp_path):
    """One cast in, one out, of a chain of converted operators with one that is not beside it."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"], "p"), helper.make_node("Relu", ["a"], ["b"], "r"), helper.make_node("MatMul", ["b", "w"], ["c"], "q"),
             helper.make_node("MatMul", ["x", "w"], ["d"], "s"), helper.make_node("Log", ["b"], ["e"], "log"), helper.make_node("Add", ["c", "d"], ["y"], "add")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 8]}, {"y": ["N", 8], "e": ["N", 8]}, {"w": RNG.standard_normal((8, 8)).astype("f4")})
    done = laic(model, "-o", tmp_path / "m.mlir", "--quantize=f16", "--emit=mlir", "--to=quantize")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "m.mlir").read_text()
    assert text.count("laic.cast") == 3, text  # x, y, and b for the logarithm
    assert "log" in text and not re.search(r"laic\.constant.*xf32>", text)


def test_casts_of_the_model_go(tmp_path):
    """A model that is partly in f16 becomes f16 without a seam."""
    model = onnx.parser.parse_model('<ir_version: 10, opset_import: ["": 21]> g (float[N,8] x) => (float16[N,8] y)'
                                    '{ a = MatMul(x, w) \n b = Cast<to=10>(a) \n c = Relu(b) \n d = Cast<to=1>(c) \n e = MatMul(d, w) \n y = Cast<to=10>(e) }')
    model.graph.initializer.append(numpy_helper.from_array(RNG.standard_normal((8, 8)).astype("f4"), "w"))
    onnx.save(model, tmp_path / "m.onnx")
    done = laic(tmp_path / "m.onnx", "-o", tmp_path / "m.mlir", "--quantize=f16", "--emit=mlir", "--to=quantize")
    assert (tmp_path / "m.mlir").read_text().count("laic.cast") <= 2, done.stderr  # x, and the one to f32 that nothing reads
    artifact, _ = quantise(tmp_path / "m.onnx", tmp_path, "f16")
    x = RNG.standard_normal((4, 8)).astype("f4")
    got = execute(artifact, {"x": x})["y"]
    assert got.dtype == np.float16 and sqnr(oracle(tmp_path / "m.onnx", {"x": x}), got) > LEAST["f16"]


def test_integers_are_left_alone(tmp_path):
    model = onnx.parser.parse_model('<ir_version: 10, opset_import: ["": 21]> g (int64[N] x) => (int64[N] y) { a = Mul(x, x) \n y = Add(a, x) }')
    onnx.save(model, tmp_path / "m.onnx")
    artifact, stderr = quantise(tmp_path / "m.onnx", tmp_path, "f16")
    assert "converted 0 of 0 operators to f16" in stderr
    x = np.array([3, 100003, -7])
    assert np.array_equal(execute(artifact, {"x": x})["y"], x * x + x)


def test_keep_float(tmp_path):
    model, feed = convolutional(tmp_path / "m.onnx"), feed_of(convolutional)
    _, stderr = quantise(model, tmp_path, "f16", stacked(feed), "--keep-float=head,first", "--explain")
    assert reasons(stderr) == {"head": "--keep-float names it", "first": "--keep-float names it"}
    artifact, stderr = quantise(model, tmp_path, "f16", stacked(feed), "--keep-float=*")
    assert "converted 0 of 11" in stderr and sqnr(oracle(model, feed), execute(artifact, feed)["y"]) > 100


def test_loss_widens(tmp_path):
    """As much as it takes, and no more."""
    model, feed = transformer(tmp_path / "m.onnx"), feed_of(transformer)
    _, stderr = quantise(model, tmp_path, "bf16", stacked(feed))
    loss = float(re.search(r"keeps (\d+\.\d) dB", stderr)[1]) + 2
    artifact, stderr = quantise(model, tmp_path, "bf16", stacked(feed), f"--quantize-loss={loss}", "--explain")
    assert "the outputs would lose more than --quantize-loss allows" in reasons(stderr).values()
    assert not re.search("converted 0 of", stderr)
    assert sqnr(oracle(model, feed), execute(artifact, feed)["y"]) > loss - 0.2


# ---- operators ----

MICROSOFT = {  # beside the ONNX operators, which the other tests and those of the types hold
    "BiasGelu": ({"x": (2, 5, 8), "b": (8,)}, {}), "FastGelu": ({"x": (2, 5, 8), "b": (8,)}, {}), "Gelu": ({"x": (2, 5, 8)}, {}),
    "QuickGelu": ({"x": (2, 5, 8)}, {"alpha": 1.702}), "FusedMatMul": ({"x": (2, 5, 8), "b": (4, 8)}, {"transB": 1, "alpha": 0.5}),
    "FusedGemm": ({"x": (5, 8), "b": (8, 6), "c": (6,)}, {"activation": "Relu"}),
    "FusedConv": ({"x": (1, 3, 7, 7), "b": (4, 3, 3, 3), "c": (4,)}, {"activation": "Relu", "kernel_shape": [3, 3]}),
    "MultiHeadAttention": ({"x": (2, 5, 16), "b": (2, 5, 16), "c": (2, 5, 16)}, {"num_heads": 2}),
    "Attention": ({"x": (2, 5, 16), "b": (16, 48), "c": (48,)}, {"num_heads": 2})}


@pytest.mark.parametrize("op", MICROSOFT)
def test_operators_of_microsoft(tmp_path, op):
    shapes, attributes = MICROSOFT[op]
    graph = helper.make_graph([helper.make_node(op, list(shapes), ["y"], "node", domain="com.microsoft", **attributes)], "g",
                              [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items()],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10),
              tmp_path / "m.onnx")
    feed = {name: (RNG.standard_normal(shape) / 2).astype("f4") for name, shape in shapes.items()}
    artifact, stderr = quantise(tmp_path / "m.onnx", tmp_path, "f16")
    assert "converted 1 of 1" in stderr
    assert LEAST["f16"] < sqnr(oracle(tmp_path / "m.onnx", feed), execute(artifact, feed)["y"]) < 90


def test_statistics_stay_wide(tmp_path):
    """Variances beyond f16 and scales of Resize, which are f32 beside an x of f16."""
    node = helper.make_node
    nodes = [node("Conv", ["x", "w"], ["c"], "conv"), node("BatchNormalization", ["c", "one", "zero", "zero", "var"], ["n"], "norm"),
             node("Resize", ["n", "", "scales"], ["y"], "resize", mode="linear")]
    constants = {"w": RNG.standard_normal((3, 3, 1, 1)).astype("f4"), "one": np.full(3, 1000, "f4"), "zero": np.zeros(3, "f4"),
                 "var": np.full(3, 1e6, "f4"), "scales": np.array([1, 1, 2.3334, 2.3334], "f4")}
    model = save(tmp_path / "m.onnx", nodes, {"x": [1, 3, 30, 30]}, {"y": [1, 3, None, None]}, constants)
    feed = {"x": RNG.standard_normal((1, 3, 30, 30)).astype("f4")}
    artifact, stderr = quantise(model, tmp_path, "f16")
    assert "converted 3 of 3" in stderr
    got = execute(artifact, feed)["y"]
    assert got.shape == (1, 3, 70, 70) and sqnr(oracle(model, feed), got) > LEAST["f16"]


# ---- networks ----

@pytest.mark.parametrize("name, dims", [("efficientnet_b0", {"batch": 1}), ("vit_b_16", {"batch": 1}),
                                        ("sd15_unet_tiny", {"batch": 1, "height": 16, "width": 16})])
def test_networks(tmp_path, shared, name, dims):
    """f16 within a hundredth of the largest output of onnxruntime's f32."""
    if name != "efficientnet_b0" and not os.environ.get("LAIC_CHECK_ALL"):
        pytest.skip("LAIC_CHECK_ALL runs it")
    spec = importlib.util.spec_from_file_location("materialise", shared / "zoo" / "materialise.py")
    materialise = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(materialise)
    skeleton = onnx.load(shared / "zoo" / f"{name}.skel.onnx", load_external_data=False)
    info = materialise.sidecar(skeleton)
    model = tmp_path / "model.onnx"
    materialise.materialise(skeleton, model)
    feed = materialise.make_inputs(info, dims, 0)
    artifact, _ = quantise(model, tmp_path, "f16")
    want = oracle(model, feed)
    got, = execute(artifact, feed).values()
    assert got.dtype == np.float32 and np.abs(got - want).max() <= 1e-2 * np.abs(want).max()

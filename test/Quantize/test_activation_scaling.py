"""Blocks of weights whose inputs are of very different size: x W = (x / s) (s W), with 1 / s in what x is computed from."""
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from quantizing import execute, laic, quantise, save, sqnr

node = helper.make_node
INPUTS, HIDDEN, OUTPUTS = 96, 256, 64
SPREAD = np.where(np.arange(HIDDEN) % 16 == 3, 60, 1).astype("f4")  # in every block two channels far larger than the others, with small weights


def normal(*shape, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) / np.sqrt(shape[0])).astype("f4")


def last(seed=1):
    return normal(HIDDEN, OUTPUTS, seed=seed) / SPREAD[:, None]


def norm(path):
    nodes = [node("MatMul", ["x", "w1"], ["h"], "first"), node("LayerNormalization", ["h", "g", "b"], ["n"], "norm"), node("MatMul", ["n", "w2"], ["y"], "last")]
    return save(path, nodes, {"x": ["N", INPUTS]}, {"y": ["N", OUTPUTS]}, {"w1": normal(INPUTS, HIDDEN), "g": SPREAD, "b": SPREAD / 4, "w2": last()})


def norm_of_parts(path):
    """Root mean square by hand, a reshape, and two Gemm that share what they read."""
    nodes = [node("MatMul", ["x", "w1"], ["h"], "first"), node("Mul", ["h", "h"], ["s"], "square"), node("ReduceMean", ["s", "axis"], ["m"], "mean"),
             node("Add", ["m", "tiny"], ["e"], "add"), node("Sqrt", ["e"], ["r"], "sqrt"), node("Div", ["h", "r"], ["d"], "divide"),
             node("Mul", ["g", "d"], ["n"], "scale"), node("Reshape", ["n", "shape"], ["f"], "flat"), node("Gemm", ["f", "w2", "b2"], ["p"], "last"),
             node("Gemm", ["f", "w3"], ["q"], "other"), node("Add", ["p", "q"], ["y"], "sum")]
    constants = {"w1": normal(INPUTS, HIDDEN), "axis": np.array([-1]), "tiny": np.float32(1e-6), "g": SPREAD, "shape": np.array([-1, HIDDEN]), "w2": last(),
                 "b2": normal(OUTPUTS), "w3": last(2)}
    return save(path, nodes, {"x": ["N", 3, INPUTS]}, {"y": [None, OUTPUTS]}, constants)


def gated(path):
    """What is divided is one of two factors, and the layer with a bias that makes it."""
    nodes = [node("MatMul", ["x", "w1"], ["u"], "up"), node("Add", ["u", "b1"], ["v"], "bias"), node("MatMul", ["x", "w0"], ["g"], "gate"),
             node("Sigmoid", ["g"], ["s"], "sigmoid"), node("Mul", ["s", "v"], ["h"], "gated"), node("MatMul", ["h", "w2"], ["y"], "down")]
    constants = {"w0": normal(INPUTS, HIDDEN, seed=3), "w1": normal(INPUTS, HIDDEN) * SPREAD, "b1": SPREAD / 8, "w2": last()}
    return save(path, nodes, {"x": ["N", INPUTS]}, {"y": ["N", OUTPUTS]}, constants)


def samples(model, count, seed):
    """Of 24 rows, whose elements go together."""
    rng, mix = np.random.default_rng(seed), normal(INPUTS, INPUTS, seed=9) * np.exp(normal(INPUTS, seed=8) * 10)[:, None]
    rank = len(onnx.load(model).graph.input[0].type.tensor_type.shape.dim)
    rows = rng.standard_normal((count, 24, INPUTS)) @ mix
    return rows.astype("f4").reshape((count, 8, 3, INPUTS) if rank == 3 else (count, 24, INPUTS))


def reference(model, x):
    return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def constants(path):
    return {i.name: numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}


@pytest.mark.parametrize("build, least", [(norm, 20), (norm_of_parts, 20), (gated, 18)])
def test_large_inputs_keep_their_weights(tmp_path, build, least):
    """On inputs that are no samples. As they are, the blocks' scales are those of the weights of small inputs, and large ones meet nothing but zeros."""
    model = build(tmp_path / "m.onnx")
    artifact, stderr = quantise(model, tmp_path, "int4", {"x": samples(model, 16, 1)}, "--quantize-loss=0")
    x = samples(model, 1, 2)[0]
    got = sqnr(reference(model, x), execute(artifact, {"x": x})["y"])
    plain, _ = quantise(model, tmp_path, "int4")
    assert got > least and got > sqnr(reference(model, x), execute(plain, {"x": x})["y"]) + 8


@pytest.mark.parametrize("build", [norm, norm_of_parts, gated])
def test_what_stays_in_floats_is_multiplied_too(tmp_path, build):
    """Nothing is quantised in the end, or one layer less than the inputs were divided for: the same function as before."""
    model = build(tmp_path / "m.onnx")
    data = {"x": samples(model, 16, 1)}
    x = samples(model, 1, 2)[0]
    artifact, stderr = quantise(model, tmp_path, "int4", data, "--quantize-loss=150")
    assert "quantised 0 of" in stderr and sqnr(reference(model, x), execute(artifact, {"x": x})["y"]) > 100
    names = [n.name for n in onnx.load(model).graph.node if n.op_type in ("MatMul", "Gemm")]
    for left in names:
        artifact, _ = quantise(model, tmp_path, "int8-weights", data, "--quantize-loss=0", f"--keep-float={left}")
        assert sqnr(reference(model, x), execute(artifact, {"x": x})["y"]) > 40, left


def test_inputs_that_are_alike_are_not_divided(tmp_path):
    w = normal(HIDDEN, OUTPUTS)
    model = save(tmp_path / "m.onnx", [node("LayerNormalization", ["x", "g"], ["n"], "norm"), node("MatMul", ["n", "w"], ["y"], "last")],
                 {"x": ["N", HIDDEN]}, {"y": ["N", OUTPUTS]}, {"g": np.ones(HIDDEN, "f4"), "w": w})
    np.savez(tmp_path / "samples.npz", x=np.random.default_rng(3).standard_normal((16, 24, HIDDEN)).astype("f4"))
    done = laic(model, "-o", tmp_path / "q.onnx", "--emit=onnx", "--quantize=int4", "--quantize-loss=0", f"--calibration={tmp_path / 'samples.npz'}")
    assert done.returncode == 0, done.stderr
    assert any(c.shape == (HIDDEN,) and np.all(c == 1) for c in constants(tmp_path / "q.onnx").values())


@pytest.mark.parametrize("threads", [1, 2])
def test_any_number_of_threads_makes_the_same(tmp_path, threads):
    model = gated(tmp_path / "m.onnx")
    made = []
    for count in (threads, 3):
        artifact, _ = quantise(model, tmp_path, "int4", {"x": samples(model, 8, 1)}, f"--threads={count}")
        made.append(artifact.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("kind", ["int8", "int8-weights"])
@pytest.mark.parametrize("nested", [False, True])
def test_one_factor_that_can_be_divided_in_part(tmp_path, kind, nested):
    """A layer and an input side by side, times a layer: the second factor alone is divided."""
    half = HIDDEN // 2
    part = [node("MatMul", ["x", "w1"], ["l"], "left"), node("Concat", ["l", "z"], ["c"], "join", axis=-1)]
    if nested:
        part = [node("MatMul", ["x", "w1"], ["l"], "left"), node("Concat", ["z", "z2"], ["k"], "inner", axis=-1), node("Concat", ["l", "k"], ["c"], "join", axis=-1)]
    nodes = [*part, node("MatMul", ["x", "w2"], ["r"], "right"), node("Mul", ["c", "r"], ["h"], "product"), node("MatMul", ["h", "w3"], ["y"], "last")]
    inputs = {"x": ["N", INPUTS], "z": ["N", half // 2 if nested else half]} | ({"z2": ["N", half // 2]} if nested else {})
    model = save(tmp_path / "m.onnx", nodes, inputs, {"y": ["N", OUTPUTS]},
                 {"w1": normal(INPUTS, half), "w2": normal(INPUTS, HIDDEN, seed=5) * SPREAD, "w3": last()})
    rng = np.random.default_rng(6)
    data = {name: rng.standard_normal((16, 24, shape[1])).astype("f4") for name, shape in inputs.items()}
    artifact, _ = quantise(model, tmp_path, kind, data, "--quantize-loss=150")
    feed = {name: values[0] for name, values in data.items()}
    want = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(None, feed)[0]
    assert sqnr(want, execute(artifact, feed)["y"]) > 100


@pytest.mark.parametrize("kind", ["int4", "int8"])
def test_channels_that_the_samples_do_not_show(tmp_path, kind):
    """A quarter of the channels is zero on all samples. When they come alive, they keep as much as where nothing can be divided."""
    dead = np.where(np.arange(HIDDEN) % 4 == 0, -100, 0).astype("f4")
    kept = {}
    for blocked in (False, True):
        nodes = [node("MatMul", ["x", "w1"], ["a"], "first"), node("Add", ["a", "s"], ["b"], "shift"), node("Relu", ["b"], ["h"], "relu"), node("MatMul", ["h", "w2"], ["y"], "last")]
        model = save(tmp_path / "m.onnx", nodes, {"x": ["N", INPUTS], "s": [HIDDEN]}, {"y": ["N", OUTPUTS]} | ({"h": ["N", HIDDEN]} if blocked else {}),
                     {"w1": normal(INPUTS, HIDDEN), "w2": normal(HIDDEN, OUTPUTS, seed=1)})
        rng = np.random.default_rng(7)
        x = rng.standard_normal((16, 24, INPUTS)).astype("f4")
        artifact, _ = quantise(model, tmp_path, kind, {"x": x, "s": np.tile(dead, (16, 1))}, "--quantize-loss=0", "--keep-float=first")
        feed = {"x": x[0], "s": np.zeros(HIDDEN, "f4")}
        want = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(["y"], feed)[0]
        kept[blocked] = sqnr(want, execute(artifact, feed)["y"])
    assert kept[False] > kept[True] - 2, kept


@pytest.mark.parametrize("kind, least", [("int4", 18), ("int4:32:asymmetric", 18), ("int8-weights", 40)])
def test_an_input_that_is_infinite_once(tmp_path, kind, least):
    """It says nothing of how its weights matter, and nothing of the others'."""
    nodes = [node("Reciprocal", ["z"], ["r"], "reciprocal"), node("Concat", ["x", "r"], ["c"], "join", axis=-1), node("MatMul", ["c", "w"], ["y"], "product")]
    model = save(tmp_path / "m.onnx", nodes, {"x": ["N", 62], "z": ["N", 2]}, {"y": ["N", 64]}, {"w": normal(64, 64)})
    rng = np.random.default_rng(8)
    data = {"x": rng.standard_normal((8, 12, 62)).astype("f4"), "z": rng.uniform(1, 2, (8, 12, 2)).astype("f4")}
    data["z"][0, 0, 0] = 0
    artifact, stderr = quantise(model, tmp_path, kind, data, "--quantize-loss=0")
    feed = {name: values[1] for name, values in data.items()}
    want = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"]).run(None, feed)[0]
    assert "quantised 1 of 1" in stderr and sqnr(want, execute(artifact, feed)["y"]) > least

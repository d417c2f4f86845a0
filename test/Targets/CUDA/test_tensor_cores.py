"""Products of f16 on tensor cores: results against numpy, what the loop is made of, bank conflicts, registers."""
import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T, helper, numpy_helper

import devices
from devices import BUILD, REAL, compile_model, execute, ptx_texts, run

STANDIN = BUILD / "lib" / "standin" / "libcuda.so.1"
ASSEMBLED = ("sm_80", "sm_89", "sm_90a", "sm_120")


@pytest.fixture
def env(tmp_path):
    """The stand-in with all checks of the interpreter on, and a line of counters per launch."""
    if REAL:
        return {}
    return {"LAIC_CUDA_LIBRARY": str(STANDIN), "LAIC_STANDIN_CHECK": "1", "LAIC_STANDIN_STATS": str(tmp_path / "stats.json")}


class Case:
    """act(a @ b + bias) in f16; b, if given as a constant, and the bias are weights. `dims` binds the names among a's and b's."""

    def __init__(self, name, a, b, constant=False, bias=False, act=None, dims=None):
        self.name, self.a, self.b, self.constant, self.bias, self.act = name, a, b, constant, bias, act
        self.dims = dims or [{}]

    def weights(self):
        random = np.random.default_rng(7)
        return {**({"b": random.standard_normal(self.b)} if self.constant else {}),
                **({"bias": random.standard_normal(self.b[-1]) * 8} if self.bias else {})}

    def save(self, path):
        nodes, value = [helper.make_node("MatMul", ["a", "b"], ["c"])], helper.make_tensor_value_info
        if self.bias:
            nodes.append(helper.make_node("Add", ["c", "bias"], ["c"]))
        if self.act:
            nodes.append(helper.make_node(self.act, ["c"], ["c"]))
        for i, node in enumerate(nodes[:-1]):  # one name each
            node.output[0] = nodes[i + 1].input[0] = f"c{i}"
        inputs = [value("a", T.FLOAT16, self.a)] + ([] if self.constant else [value("b", T.FLOAT16, self.b)])
        graph = helper.make_graph(nodes, "product", inputs, [value("c", T.FLOAT16, None)],
                                  [numpy_helper.from_array(w.astype("f2"), n) for n, w in self.weights().items()])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)

    def feeds(self):
        for dims in self.dims:
            random = np.random.default_rng(3)
            make = lambda shape: random.standard_normal([dims.get(d, d) for d in shape]).astype("f2")  # noqa: E731
            yield {"a": make(self.a), **({} if self.constant else {"b": make(self.b)})}

    def expected(self, feed):
        operands = {n: x.astype("f2").astype("f4") for n, x in {**feed, **self.weights()}.items()}
        c = operands["a"] @ operands["b"] + operands.get("bias", 0)
        return np.maximum(c, 0) if self.act == "Relu" else c


EVERY_SHAPE = [{"m": m, "k": k} for m, k in ((1, 8), (64, 200), (129, 33), (40, 1))]
CASES = [
    Case("square", [512, 512], [512, 512]),
    Case("weights", [512, 512], [512, 512], constant=True, bias=True, act="Relu"),
    Case("odd", [77, 65], [65, 130]),
    Case("odd_weights", [77, 65], [65, 130], constant=True, bias=True, act="Relu"),
    Case("odd_columns", [40, 72], [72, 131], constant=True, bias=True),
    Case("runs_of_4", [50, 68], [68, 100]),
    Case("runs_of_2", [50, 70], [70, 98]),
    Case("short", [9, 16], [16, 8]),
    Case("wide", [16, 96], [96, 1000]),
    Case("tall", [1000, 48], [48, 24], constant=True),
    Case("large", [1537, 40], [40, 1544]),  # tiles of 128 x 128 by 256 threads
    Case("batch", [3, 2, 70, 72], [3, 2, 72, 136]),
    Case("shared_batch", [2, 3, 33, 64], [64, 80], constant=True, bias=True, act="Relu"),
    Case("dynamic_rows", ["m", 192], [192, 64], constant=True, bias=True, act="Relu", dims=[{"m": m} for m in (1, 7, 64, 200)]),
    Case("all_dynamic", ["m", "k"], ["k", "n"], dims=[{"n": n, **d} for n, d in zip((64, 136, 17, 8), EVERY_SHAPE)]),
    Case("dynamic_depth", [4, "m", "k"], [4, "k", 64], dims=EVERY_SHAPE),
]


class Convolution:
    """A convolution of f16 with bias; channels are innermost in its kernel, whatever ONNX says."""

    def __init__(self, name, x, w, stride=1, pad=0, symbols=None):
        self.name, self.x, self.w, self.stride, self.pad, self.symbols = name, x, w, stride, pad, symbols or x

    def save(self, path):
        random = np.random.default_rng(5)
        self.weight, self.bias = (random.standard_normal(shape).astype("f2") for shape in (self.w, self.w[0]))
        node = helper.make_node("Conv", ["x", "w", "b"], ["y"], strides=[self.stride] * 2, pads=[self.pad] * 4)
        value = helper.make_tensor_value_info
        graph = helper.make_graph([node], "conv", [value("x", T.FLOAT16, self.symbols)], [value("y", T.FLOAT16, None)],
                                  [numpy_helper.from_array(self.weight, "w"), numpy_helper.from_array(self.bias, "b")])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)

    def expected(self, x):
        padded = np.pad(x.astype("f4"), [(0, 0), (0, 0)] + [(self.pad, self.pad)] * 2)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.w[2:], (2, 3))[:, :, ::self.stride, ::self.stride]
        return np.einsum("nchwij,mcij->nmhw", windows, self.weight.astype("f4")) + self.bias.astype("f4")[:, None, None]


CONVOLUTIONS = [
    Convolution("aligned", [1, 32, 14, 14], [64, 32, 3, 3], pad=1),
    Convolution("three_channels", [1, 3, 31, 29], [32, 3, 7, 7], stride=2, pad=3),
    Convolution("pointwise", [2, 48, 9, 11], [40, 48, 1, 1]),
    Convolution("runs_of_4", [2, 20, 15, 13], [36, 20, 3, 3], stride=2, pad=1),
    Convolution("dynamic", [2, 16, 12, 17], [24, 16, 3, 3], pad=1, symbols=["n", 16, "h", "w"]),
]


def counters(env):
    """Those of launches that multiplied on tensor cores."""
    with open(env["LAIC_STANDIN_STATS"]) as file:
        return [launch for launch in map(json.loads, file) if any(name.startswith("mma.sync") for name in launch["opcodes"])]


def kernels(artifact):
    return [text for text in ptx_texts(artifact) if "mma.sync" in text]


def loops(text):
    """What lies between a label and a branch back to it."""
    for match in re.finditer(r"^(\$L\w+):", text, re.M):
        end = [b.end() for b in re.finditer(rf"bra(?:\.uni)?\s+{re.escape(match[1])};", text) if b.start() > match.start()]
        if end:
            yield text[match.start():end[-1]]


def spills(text, folder, chip):
    (folder / "kernel.ptx").write_text(text)
    done = run(devices.tool("ptxas"), f"-arch={chip}", "-v", folder / "kernel.ptx", "-o", folder / "kernel.cubin")
    return re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", done.stderr + done.stdout)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_products(case, tmp_path, env):
    case.save(tmp_path / "model.onnx")
    compile_model(tmp_path / "model.onnx", tmp_path / "model.bin", "--target=cuda")
    assert len(kernels(tmp_path / "model.bin")) == 1
    for feed in case.feeds():
        got, want = execute(tmp_path / "model.bin", feed, tmp_path, "cuda", env)["c"], case.expected(feed)
        assert got.shape == want.shape and got.dtype == np.float16
        assert np.abs(got - want).max() <= 1e-2 * np.abs(want).max()
    for launch in [] if REAL else counters(env):
        assert launch["shared_bank_conflicts"] == 0
        assert any(name.startswith("ldmatrix") for name in launch["opcodes"])


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.a[-1], str) or case.a[-1] >= 192], ids=lambda case: case.name)
def test_loop(case, tmp_path):
    """The loop over k multiplies one slice while the next ones are copied."""
    case.save(tmp_path / "model.onnx")
    compile_model(tmp_path / "model.onnx", tmp_path / "model.bin", "--target=cuda")
    wanted = ["mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", "ldmatrix.sync.aligned.m8n8.x4", "cp.async", "wait_group", "bar.sync"]
    assert any(all(word in loop for word in wanted) for loop in loops(kernels(tmp_path / "model.bin")[0]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_registers(case, tmp_path):
    case.save(tmp_path / "model.onnx")
    compile_model(tmp_path / "model.onnx", tmp_path / "model.bin", "--target=cuda")
    for chip in ASSEMBLED:
        assert spills(kernels(tmp_path / "model.bin")[0], tmp_path, chip) == [("0", "0")]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: case.name)
def test_convolutions(case, tmp_path, env):
    case.save(tmp_path / "model.onnx")
    compile_model(tmp_path / "model.onnx", tmp_path / "model.bin", "--target=cuda")
    text, = kernels(tmp_path / "model.bin")
    x = np.random.default_rng(6).standard_normal(case.x).astype("f2")
    got, want = execute(tmp_path / "model.bin", {"x": x}, tmp_path, "cuda", env)["y"], case.expected(x)
    assert got.shape == want.shape and np.abs(got - want).max() <= 1e-2 * np.abs(want).max()
    for launch in [] if REAL else counters(env):
        assert launch["shared_bank_conflicts"] == 0
    for chip in ASSEMBLED:
        assert spills(text, tmp_path, chip) == [("0", "0")]


@pytest.mark.parametrize("name, a, b", [("few_rows", [4, 64], [64, 64]), ("few_columns", [64, 64], [64, 4]), ("shallow", [64, 8], [8, 64])])
def test_small_products_need_no_tensor_cores(name, a, b, tmp_path):
    Case(name, a, b).save(tmp_path / "model.onnx")
    compile_model(tmp_path / "model.onnx", tmp_path / "model.bin", "--target=cuda")
    assert not kernels(tmp_path / "model.bin")


def test_older_chips(tmp_path):
    """All codes of an artifact are launched alike, so that one chip without tensor cores keeps the others from them."""
    Case("square", [64, 64], [64, 64]).save(tmp_path / "model.onnx")
    for chips, count in (("sm_80,sm_90", 2), ("sm_75", 0), ("sm_70,sm_90", 0)):
        compile_model(tmp_path / "model.onnx", tmp_path / "model.bin", "--target=cuda", f"--chip={chips}")
        assert len(kernels(tmp_path / "model.bin")) == count

"""What the tests of GPU targets share: devices without a GPU, models, and how a device's outputs are compared with the CPU's.

With LAIC_TEST_GPU=1 the machine's own drivers run the tests instead of lavapipe and the PTX interpreter."""
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from locations import BUILD, ROOT

SHARED = ROOT.parent / "shared"
MODELS = SHARED / "models"
REAL = os.environ.get("LAIC_TEST_GPU") == "1"
# Largest error as a share of the largest magnitude of an output.
TOLERANCE = {"float32": 1e-4, "float16": 1e-2, "float64": 1e-4}
DEVICE_SHARE = 0.9  # of a model's arithmetic

sys.path.append(str(ROOT / "test" / "Quantize"))
if MODELS.is_dir():
    sys.path.insert(0, str(MODELS))
    import inputs

only_all = pytest.mark.everything  # see conftest.py
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="../shared/models is not present")


def run(*command, env=None, limit=600, expect=0):
    done = subprocess.run([str(c) for c in command], env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=limit)
    assert done.returncode == expect, f"{command[0]} exits {done.returncode}, not {expect}:\n{done.stderr[-3000:]}"
    return done


def compile_model(model, artifact, *options):
    return run(BUILD / "bin" / "laic", model, "-o", artifact, *options)


def execute(artifact, feed, folder, device, env=None, options=()):
    np.savez(folder / "in.npz", **feed)
    """The outputs of the plan for that device; some of its steps may run on the host."""
    done = run(BUILD / "bin" / "laic-run", artifact, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", f"--device={device}",
               *options, env=env)
    assert "running on another device" not in done.stderr, done.stderr
    with np.load(folder / "out.npz") as data:
        return {name: data[name] for name in data.files}


def agree(got, want):
    """Every output of a device is the CPU's, but for rounding."""
    assert sorted(got) == sorted(want)
    for name, w in want.items():
        g = got[name]
        assert g.shape == w.shape and g.dtype == w.dtype, f"{name}: {g.dtype}{g.shape}, expected {w.dtype}{w.shape}"
        if w.dtype.kind != "f":
            assert np.array_equal(g, w), f"{name}: {np.count_nonzero(g != w)} of {w.size} differ"
            continue
        assert np.array_equal(np.isfinite(g), np.isfinite(w)), f"{name}: NaN or inf do not agree"
        a, b = g.astype("f8"), w.astype("f8")
        scale = np.abs(b[np.isfinite(b)]).max(initial=0)
        error = np.nanmax(np.abs(np.where(np.isfinite(b), a - b, 0)), initial=0)
        assert error <= TOLERANCE[w.dtype.name] * scale, f"{name}: off by {error:g} where the largest value is {scale:g}"


def device_share(explanation):
    """How much of the arithmetic that --explain counts is not the host's."""
    rows = [re.split(r" {2,}", line.strip()) for line in explanation.splitlines()[1:] if not line.startswith("on the host")]
    steps = [(row[1], row[3]) for row in rows if len(row) >= 4 and row[0] != "copy"]
    assert steps, explanation
    assert not [s for s in steps if s[0] == "host" and s[1] == "?"], explanation
    work = {True: 0, False: 0}
    for device, flops in steps:
        work[device == "host"] += int(flops) if flops != "?" else 0
    return work[False] / max(1, work[False] + work[True])


def check(model, feeds, folder, target, chip, env, dims):
    """One artifact for the CPU and a device: equal at every feed, most of the work on the device."""
    artifact = folder / "model.bin"
    compile_model(model, artifact, f"--target=cpu,{target}", *([f"--chip={chip}"] if chip else []))
    bound = [f"--dim={name}={value}" for name, value in dims.items()]
    text = compile_model(model, folder / "bound.bin", f"--target={target}", "--explain", *bound).stdout
    assert device_share(text) >= DEVICE_SHARE, text
    for feed in feeds:
        want = execute(artifact, feed, folder, "cpu")
        agree(execute(artifact, feed, folder, target, env), want)


# ---- models ----

def encoder_layer():
    """A transformer encoder layer: hidden 256, 4 heads, sequence dynamic; seeded weights."""
    hidden, heads, inner = 256, 4, 1024
    random, weights, nodes = np.random.default_rng(3), [], []

    def weight(name, *shape, values=None):
        array = random.standard_normal(shape) / np.sqrt(shape[0]) if values is None else values
        weights.append(numpy_helper.from_array(np.asarray(array).astype("f4"), name))
        return name

    def node(op, operands, name, **attributes):
        nodes.append(helper.make_node(op, operands, [name], name=name, **attributes))
        return name

    def linear(x, name, n, m):
        product = node("MatMul", [x, weight(name + "_w", n, m)], name + "_product")
        return node("Add", [product, weight(name + "_b", m)], name)

    def norm(x, name):
        ones, zeros = np.ones(hidden), np.zeros(hidden)
        return node("LayerNormalization", [x, weight(name + "_scale", values=ones), weight(name + "_bias", values=zeros)], name, axis=-1)

    weights.append(numpy_helper.from_array(np.array([0, 0, heads, hidden // heads], "i8"), "split"))
    weights.append(numpy_helper.from_array(np.array([0, 0, hidden], "i8"), "join"))

    def head(name, order):
        split = node("Reshape", [linear("x", name, hidden, hidden), "split"], name + "_split")
        return node("Transpose", [split], name + "_heads", perm=order)

    q, k, v = head("q", [0, 2, 1, 3]), head("k", [0, 2, 3, 1]), head("v", [0, 2, 1, 3])
    scores = node("Mul", [node("MatMul", [q, k], "scores"), weight("scale", values=(hidden // heads) ** -0.5)], "scaled")
    mixed = node("MatMul", [node("Softmax", [scores], "weights", axis=-1), v], "mixed")
    joined = node("Reshape", [node("Transpose", [mixed], "mixed_back", perm=[0, 2, 1, 3]), "join"], "joined")
    first = norm(node("Add", ["x", linear(joined, "attended", hidden, hidden)], "residual1"), "norm1")
    gelu = node("Gelu", [linear(first, "up", hidden, inner)], "gelu")
    norm(node("Add", [first, linear(gelu, "down", inner, hidden)], "residual2"), "y")
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "seq", hidden])  # noqa: E731
    graph = helper.make_graph(nodes, "encoder", [value("x")], [value("y")], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def gemm(n, element=TensorProto.FLOAT):
    value = lambda name: helper.make_tensor_value_info(name, element, [n, n])  # noqa: E731
    graph = helper.make_graph([helper.make_node("MatMul", ["a", "b"], ["c"])], "gemm", [value("a"), value("b")], [value("c")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def batches(file, sizes):
    """Seeded feeds of a model of the collection whose only dynamic dim is the batch."""
    feed = inputs.make(file, 0)
    random = np.random.default_rng(1)
    return [{name: random.standard_normal((n, *x.shape[1:])).astype(x.dtype) for name, x in feed.items()} for n in sizes]


def collection():
    """(id, model, feeds, dims of the dynamic model for counting its work) of the models that every GPU target must run."""
    digits = ROOT / "examples" / "digits" / "digits.onnx"
    images = (np.load(digits.with_suffix(".npz"))["images"][:7, None] / 16).astype("f4")
    name = onnx.load(digits).graph.input[0].name
    yield "digits", lambda folder: (digits, [{name: images[:1]}, {name: images}], {"N": 1})

    def encoder(folder):
        onnx.save(encoder_layer(), folder / "encoder.onnx")
        random = np.random.default_rng(4)
        feeds = [{"x": random.standard_normal((b, s, 256)).astype("f4")} for b, s in ((1, 1), (1, 37), (2, 128))]
        return folder / "encoder.onnx", feeds, {"batch": 1, "seq": 128}

    yield "encoder", encoder
    for file, dims in (("vision/cifar10_cnn_dynbatch", {"batch_size": 1}), ("vision/mnist_cntk", {}), ("light/squeezenet", {}),
                       ("vision/squeezenet1_f16", {}), ("audio/dtln_stage2_unrolled", {}), ("text/magika_v3_3", {"unk__214": 1})):
        yield file, lambda folder, file=file + ".onnx", dims=dims: (
            MODELS / file, batches(file, (1, 7)) if "batch_size" in dims else [inputs.make(file, 0)], dims)


def superres(folder):
    file = "vision/superres_x3_dynbatch.onnx"
    return MODELS / file, [inputs.make(file, 0)], {"batch_size": 1}


def resnet50(folder):
    """ResNet-50 at full size with seeded weights."""
    skeleton, model, feed = SHARED / "zoo" / "resnet50.skel.onnx", folder / "resnet50.onnx", folder / "resnet50.npz"
    if not skeleton.exists():
        pytest.skip("../shared/zoo is not present")
    run(sys.executable, SHARED / "zoo" / "materialise.py", skeleton, "-o", model, "--inputs", feed)
    return model, [dict(np.load(feed))], {"batch": 1}


LARGE = [pytest.param(superres, id="superres_x3", marks=[needs_models, only_all]), pytest.param(resnet50, id="resnet50", marks=[only_all])]


# ---- models that laic quantises ----

# The kind, and how far a device may be off, in quanta of the output, at most and on 99 of 100 elements: a float in front of a rounding may differ
# in its last bit.
QUANTISED = {"int8": (2, 0.1), "int8-dynamic": (2, 0.1), "int8-weights": (0.1, 0.1), "int4:32:asymmetric": (0.1, 0.1), "f16": (1, 1)}


def quantised(kind, make, folder, target, chip, env):
    """One model quantised once, for the CPU and a device, on inputs that are no samples; `make`: a function of test/Quantize/quantizing.py."""
    import quantizing

    random = np.random.default_rng(4)
    model = getattr(quantizing, make)(folder / "m.onnx")
    name, draw = {"convolutional": ("x", lambda *n: random.standard_normal((*n, 2, 3, 20, 20)).astype("f4")),
                  "transformer": ("ids", lambda *n: random.integers(0, 96, (*n, 2, 9)))}[make]
    np.savez(folder / "samples.npz", **{name: draw(6)})
    compile_model(model, folder / "m.bin", f"--target=cpu,{target}", *([f"--chip={chip}"] if chip else []), f"--quantize={kind}",
                  f"--calibration={folder / 'samples.npz'}", "--quantize-loss=0")
    most, nearly = QUANTISED[kind]
    for _ in range(3):
        feed = {name: draw()}
        want, got = (execute(folder / "m.bin", feed, folder, device, env)["y"].astype("f8") for device in ("cpu", target))
        off = np.abs(got - want) * 255 / (want.max() - want.min())
        assert off.max() <= most and np.quantile(off, 0.99) <= nearly, (off.max(), np.quantile(off, 0.99))


def float64_functions(tmp_path, target, chip, env):
    """Functions of f64 have no arithmetic on GPUs: the host computes them, and says so."""
    nodes = [helper.make_node("Add", ["x", "x"], ["s"]), helper.make_node("Exp", ["s"], ["e"])]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.DOUBLE, [7])  # noqa: E731
    graph = helper.make_graph(nodes, "exp", [value("x")], [value("e"), value("s")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "exp.onnx")
    done = compile_model(tmp_path / "exp.onnx", tmp_path / "exp.bin", f"--target={target}", "--explain", *chip)
    assert "a mathematical function has no arithmetic form" in done.stdout, done.stdout
    x = np.linspace(-3, 3, 7)
    got = execute(tmp_path / "exp.bin", {"x": x}, tmp_path, target, env)
    assert np.allclose(got["e"], np.exp(2 * x), rtol=1e-12) and np.array_equal(got["s"], 2 * x)


def operators(tmp_path, options, family=None):
    """The operator cases through a target: what fails, one line per case."""
    sys.path.insert(0, str(ROOT / "test" / "Operators"))
    import run as cases

    runs = [r for r in cases.load([], ["static", "dynamic"]) if family in (None, r.family)]
    assert runs
    return [f"{r.title} [{r.variant}]: {r.why}" for r in cases.check_all(runs, tmp_path, options=options) if r.why]


def families():
    return sorted(path.stem[len("cases_"):] for path in (ROOT / "test" / "Operators").glob("cases_*.py"))


CASES = [pytest.param(make, id=name, marks=[needs_models] if "/" in name else []) for name, make in collection()]


# ---- code inside artifacts ----

def spirv_modules(artifact):
    """The SPIR-V modules of an artifact, found by their magic number."""
    data, at = Path(artifact).read_bytes(), 0
    while (at := data.find(struct.pack("<I", 0x07230203), at)) >= 0:
        end = at + 20
        while end + 4 <= len(data):
            word = struct.unpack_from("<I", data, end)[0]
            if word == 0x07230203 or word >> 16 == 0 or word & 0xFFFF > 6500:
                break
            end += 4 * (word >> 16)
        yield data[at:end]
        at = end


def ptx_texts(artifact):
    """The PTX texts of an artifact."""
    data = Path(artifact).read_bytes()
    for match in re.finditer(rb"//\n// Generated by LLVM", data):
        yield data[match.start():data.index(b"\0", match.start())].decode()


def tool(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/local/cuda/bin")
    return path or pytest.skip(f"{name} is not installed")

"""Artifacts for AArch64, made on this machine and run on an emulated one."""
import importlib.util
import sys

import numpy as np
import onnx
import pytest

import aarch64
from locations import BUILD, ROOT
from nbits import Product

sys.path.append(str(ROOT / "test" / "Models"))
from harness import compare_all, compile_model, oracle, quanta  # noqa: E402

pytestmark = pytest.mark.skipif(bool(aarch64.missing()), reason=aarch64.missing())
# A machine without and one with what the levels ask for.
LEVELS = {"aarch64:v8": "cortex-a53", "aarch64:v8.2+dotprod": "cortex-a76", "aarch64:v8.6+dotprod+i8mm": "max"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    return aarch64.Machine(BUILD, tmp_path_factory.mktemp("aarch64"))


def inputs_of(path):
    graph = onnx.load(path, load_external_data=False).graph
    weights = {t.name for t in graph.initializer}
    return [i.name for i in graph.input if i.name not in weights]


def check(machine, model, feed, folder, level):
    """Compares with onnxruntime; one thread and two must give equal bits."""
    artifact = folder / "model.bin"
    compile_model(BUILD, model, artifact, f"--cpu={level}")
    names = [o.name for o in onnx.load(model, load_external_data=False).graph.output]
    arrays = [feed[name] for name in inputs_of(model)]
    got = machine.run(artifact, arrays, processor=LEVELS[level])
    single = machine.run(artifact, arrays, threads=1, processor=LEVELS[level])
    assert [a.tobytes() for a in got] == [a.tobytes() for a in single]
    compare_all(dict(zip(names, got)), oracle(model, feed, BUILD / "models" / "oracle"), quanta(model))


@pytest.mark.parametrize("level", LEVELS)
def test_digits(machine, digits, tmp_path, level):
    shape = [d.dim_value or 3 for d in onnx.load(digits).graph.input[0].type.tensor_type.shape.dim]
    feed = {inputs_of(digits)[0]: np.random.default_rng(0).random(shape, np.float32)}
    check(machine, digits, feed, tmp_path, level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("file", ["vision/mnist_cntk.onnx", "audio/kws_f32.onnx", "audio/kws_int8_qdq.onnx"])
def test_trained_models(machine, shared, tmp_path, file, level):
    spec = importlib.util.spec_from_file_location("inputs", shared / "models" / "inputs.py")
    inputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inputs)
    check(machine, shared / "models" / file, inputs.make(file, 0), tmp_path, level)


@pytest.mark.parametrize("level,exact", [("aarch64:v8", True), ("aarch64:v8.2+bf16", False)])
@pytest.mark.parametrize("m,k,n", [(61, 768, 70), (1, 254, 96), (9, 96, 33)])
def test_weights_in_bf16(machine, tmp_path, level, exact, m, k, n):
    """Dot products of bf16 round the other factor too; without them weights alone are rounded."""
    random = np.random.default_rng(0)
    x, w = random.uniform(-1, 1, (m, k)).astype(np.float32), random.uniform(-1, 1, (k, n)).astype(np.float32)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [value("x", 1, [m, k])], [value("y", 1, [m, n])],
                                   [onnx.numpy_helper.from_array(w, "w")])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10), tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--cpu={level}", "--math=bf16")
    got = machine.run(tmp_path / "m.bin", [x], processor="max")[0]
    bits = w.view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)
    magnitude = np.abs(x).astype(np.float64) @ np.abs(w)
    error = np.abs(got - x.astype(np.float64) @ rounded)
    assert np.all(error <= (2e-6 if exact else 2.0**-9) * magnitude)
    assert exact or error.max() > 1e-5  # the other factor was rounded


@pytest.mark.parametrize("level", LEVELS)
def test_rounded_rows(machine, tmp_path, level):
    """MatMulNBits of accuracy_level 4 rounds many rows where the level has dot products of bytes."""
    product, random = Product(352, 40, zeros=True), np.random.default_rng(0)
    product.save(tmp_path / "m.onnx")
    compile_model(BUILD, tmp_path / "m.onnx", tmp_path / "m.bin", f"--cpu={level}")
    for rows in (1, 63, 64, 131):
        x = random.uniform(-1, 1, (rows, 352)).astype(np.float32)
        got = machine.run(tmp_path / "m.bin", [x], processor=LEVELS[level])[0]
        want = product.rounded(x) if rows >= 64 and level != "aarch64:v8" else product.exact(x)
        assert np.all(np.abs(got - want) <= 1e-6 * product.magnitude(x))


@pytest.mark.parametrize("name", ["mobilenet_v2"])
def test_architectures(machine, shared, tmp_path, name):
    spec = importlib.util.spec_from_file_location("materialise", shared / "zoo" / "materialise.py")
    materialise = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(materialise)
    skeleton = onnx.load(shared / "zoo" / f"{name}.skel.onnx", load_external_data=False)
    info = materialise.sidecar(skeleton)
    materialise.materialise(skeleton, tmp_path / "model.onnx")
    check(machine, tmp_path / "model.onnx", materialise.make_inputs(info, info["dims"], 0), tmp_path, "aarch64:v8.2+dotprod")


def test_machine_without_the_instructions_refuses(machine, digits, tmp_path):
    """The runtime says which instructions are missing instead of dying of one."""
    compile_model(BUILD, digits, tmp_path / "model.bin", "--cpu=aarch64:v8.2+dotprod")
    with pytest.raises(AssertionError, match="lacks aarch64:v8.2"):
        machine.run(tmp_path / "model.bin", [], processor="cortex-a53")

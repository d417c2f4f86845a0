"""Convolutions of one tap that stand alone: products of the weights with planes of pixels, without transposes, and where that is not so."""
import sys

import numpy as np
import pytest
from locations import BUILD, ROOT
from onnx import TensorProto, helper, numpy_helper, save

sys.path.append(str(ROOT / "test" / "Models"))
from harness import execute, program, run  # noqa: E402

node = helper.make_node


def save_model(path, shape, filters, tail=(), bias=True, groups=1, strides=None, outputs=("y",)):
    """x -> Conv -> `tail` -> y. Returns the weights and the bias."""
    rng, dims = np.random.default_rng(filters), len(shape) - 2
    constants = {"w": rng.standard_normal((filters, shape[1] // groups, *[1] * dims)).astype(np.float32)}
    if bias:
        constants["b"] = rng.standard_normal(filters).astype(np.float32)
    conv = node("Conv", ["x", *constants], ["c" if tail else "y"], group=groups, strides=strides or [1] * dims)
    graph = helper.make_graph([conv, *tail], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
                              [numpy_helper.from_array(v, n) for n, v in constants.items()])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return constants


def kernels(folder):
    """What of the artifact's kernels moves data, by the names that --emit gives them."""
    done = run(program(BUILD, "laic"), folder / "m.onnx", "-o", folder / "m.bin", f"--dump-phases={folder / 'phases'}")
    assert done.returncode == 0, done.stderr
    text = next((folder / "phases").glob("*dispatch.mlir")).read_text()
    main = text[text.index("@main"):text.index("return")]
    return {kind: main.count(f"@laic_{kind}") for kind in ("transpose", "pack", "matmul")}


def outputs(folder, x, name="y"):
    one, two = (execute(BUILD, folder / "m.bin", {"x": x}, folder, threads)[name] for threads in (1, 2))
    assert one.tobytes() == two.tobytes()
    return one


def expected(x, constants, groups=1):
    w = constants["w"].reshape(constants["w"].shape[0], -1).astype(np.float64)
    parts = [np.einsum("fc,nc...->nf...", rows, planes) for rows, planes in zip(np.split(w, groups), np.split(x.astype(np.float64), groups, axis=1))]
    total = np.concatenate(parts, axis=1)
    return total + constants["b"].astype(np.float64).reshape(-1, *[1] * (x.ndim - 2)) if "b" in constants else total


def near(got, want):
    return got.shape == want.shape and np.abs(got - want).max() <= 2e-6 * np.sqrt(got.shape[1] + 64) * np.abs(want).max()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape,filters", [
    ((1, 64, 16, 16), 32), ((3, 24, 31, 33), 40), ((2, 13, 20, 24), 5), ((1, 64, 14, 14), 32), ((3, 24, 7, 7), 40), ((2, 5, 9, 13), 7), ((1, 96, 1, 1), 96), ((2, 130, 3, 5), 33), ((1, 3, 40, 41), 64), ((4, 256, 4, 4), 4),
    ((2, 48, 100), 70), ((1, 17, 1, 33), 3), ((1, 8, 3, 4, 5), 16)])
def test_sizes(tmp_path, shape, filters, bias):
    constants = save_model(tmp_path / "m.onnx", shape, filters, bias=bias)
    kernels(tmp_path)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    assert near(outputs(tmp_path, x), expected(x, constants))


def test_pixels_are_moved_once(tmp_path):
    tail = [node("Relu", ["c"], ["y"])]
    constants = save_model(tmp_path / "m.onnx", (2, 64, 28, 28), 96, tail)
    moved = kernels(tmp_path)
    assert moved["pack"] == 1 and moved["transpose"] == 0
    x = np.random.default_rng(1).standard_normal((2, 64, 28, 28)).astype(np.float32)
    assert near(outputs(tmp_path, x), np.maximum(expected(x, constants), 0))


def test_others_read_the_result(tmp_path):
    """Two readers, one of which wants channels innermost: all are right, whoever gets what he wants."""
    tail = [node("Relu", ["c"], ["y"]), node("Transpose", ["c"], ["z"], perm=[0, 2, 3, 1])]
    constants = save_model(tmp_path / "m.onnx", (2, 32, 10, 10), 64, tail, outputs=("y", "z"))
    kernels(tmp_path)
    x = np.random.default_rng(1).standard_normal((2, 32, 10, 10)).astype(np.float32)
    want = expected(x, constants)
    assert near(outputs(tmp_path, x), np.maximum(want, 0)) and near(outputs(tmp_path, x, "z").transpose(0, 3, 1, 2), want)


@pytest.mark.parametrize("size", [(9, 11), (31, 63), (32, 64)])
@pytest.mark.parametrize("strides,groups", [([2, 2], 1), ([1, 2], 1), ([3, 1], 1), ([1, 1], 2), ([1, 1], 4)])
def test_strides_and_groups(tmp_path, size, strides, groups):
    constants = save_model(tmp_path / "m.onnx", (2, 32, *size), 48, strides=strides, groups=groups)
    kernels(tmp_path)
    x = np.random.default_rng(1).standard_normal((2, 32, *size)).astype(np.float32)
    want = expected(x, constants, groups)[:, :, ::strides[0], ::strides[1]]
    assert near(outputs(tmp_path, x), want)

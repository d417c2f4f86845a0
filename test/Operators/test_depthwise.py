"""Depthwise convolutions that stand alone: plane by plane, without transposes, whatever the taps, strides, dilations, padding and sizes."""
import sys

import numpy as np
import pytest
from locations import BUILD, ROOT
from onnx import TensorProto, helper, numpy_helper, save

sys.path.append(str(ROOT / "test" / "Models"))
from harness import execute, program, run  # noqa: E402

# taps, strides, dilations, pads before and after of each dim
WINDOWS = {
    "same": ((3, 3), (1, 1), (1, 1), (1, 1, 1, 1)), "stride 2": ((3, 3), (2, 2), (1, 1), (1, 1, 1, 1)),
    "stride 2, even pad": ((5, 5), (2, 2), (1, 1), (2, 2, 2, 2)), "stride 3": ((3, 3), (3, 3), (1, 1), (1, 1, 1, 1)),
    "stride 5 of 3": ((3, 3), (5, 5), (1, 1), (0, 0, 0, 0)), "dilated": ((3, 3), (1, 1), (3, 2), (3, 2, 3, 2)),
    "dilated, stride 2": ((3, 3), (2, 2), (2, 3), (2, 3, 2, 3)), "one side": ((4, 2), (1, 1), (1, 1), (3, 0, 0, 1)),
    "large": ((7, 7), (1, 1), (1, 1), (3, 3, 3, 3)), "very large": ((13, 11), (1, 1), (1, 1), (6, 5, 6, 5)),
    "rows": ((5, 1), (2, 1), (1, 1), (2, 0, 2, 0)), "columns": ((1, 5), (1, 2), (1, 1), (0, 2, 0, 2)),
    "even taps": ((2, 2), (2, 2), (1, 1), (0, 0, 0, 0)), "far out": ((3, 3), (1, 1), (1, 1), (2, 19, 2, 19)),
    "audio": ((15,), (1,), (1,), (7, 7)), "audio, stride 2": ((31,), (2,), (1,), (15, 15)), "causal": ((3,), (1,), (8,), (16, 0)),
    "long audio": ((64,), (2,), (1,), (31, 32)),
}


def expected(x, w, window):
    taps, strides, dilations, pads = window
    dims = len(taps)
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *zip(pads[:dims], pads[dims:])])
    sizes = [(padded.shape[2 + i] - (taps[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in range(dims)]
    total = np.zeros((*x.shape[:2], *sizes))
    for tap in np.ndindex(*taps):
        part = tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in zip(tap, dilations, sizes, strides))
        total += padded[(slice(None), slice(None), *part)] * w[(slice(None), 0, *tap)].astype(np.float64)[:, *[None] * dims]
    return total


def save_model(path, channels, window, shape, tail):
    """x -> Conv with a bias -> `tail` -> y. Returns the weights and the bias."""
    taps, strides, dilations, pads = window
    rng = np.random.default_rng(channels)
    constants = {"w": rng.standard_normal((channels, 1, *taps)).astype(np.float32), "b": rng.standard_normal(channels).astype(np.float32),
                 "gain": rng.standard_normal((1, channels, *[1] * len(taps))).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c" if tail else "y"], group=channels, strides=strides, dilations=dilations, pads=pads), *tail]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [numpy_helper.from_array(v, n) for n, v in constants.items()])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return constants


def compiled(path, *options):
    """What --explain says."""
    done = run(program(BUILD, "laic"), path, "-o", path.with_suffix(".bin"), "--explain", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(folder, shape, channels, window, constants, finish):
    x = np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)
    got = [execute(BUILD, folder / "m.bin", {"x": x}, folder, threads)["y"] for threads in (1, 2)]
    bias = constants["b"][:, *[None] * len(window[0])]
    np.testing.assert_allclose(got[0], finish(expected(x, constants["w"], window) + bias), rtol=1e-4, atol=1e-4)
    assert got[0].tobytes() == got[1].tobytes()


def relu(values):
    return np.maximum(values, 0)


RELU = [helper.make_node("Relu", ["c"], ["y"])]


@pytest.mark.parametrize("level", ["x86-64-v1", "x86-64-v3"])
@pytest.mark.parametrize("name", WINDOWS)
def test_sizes_known_and_unknown(tmp_path, name, level):
    window = WINDOWS[name]
    dims = len(window[0])
    channels = 35
    symbols = ["n", channels, *["h", "w"][-dims:]]
    shapes = [(2, channels, *(29, 37)[-dims:]), (1, channels, *(40, 64)[-dims:])]
    constants = save_model(tmp_path / "m.onnx", channels, window, symbols, RELU)
    assert "laic_depthwise" in compiled(tmp_path / "m.onnx", f"--cpu={level}")
    for shape in shapes:
        check(tmp_path, shape, channels, window, constants, relu)
    for shape in shapes:
        bound = [f"--dim={s}={v}" for s, v in zip(symbols, shape) if isinstance(s, str)]
        assert "laic_depthwise" in compiled(tmp_path / "m.onnx", f"--cpu={level}", *bound)
        check(tmp_path, shape, channels, window, constants, relu)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 5, 7, 7), (3, 64, 14, 14), (1, 2, 300, 9), (1, 2, 9, 3000), (1, 1, 128, 130)])
def test_small_and_large_planes(tmp_path, shape):
    constants = save_model(tmp_path / "m.onnx", shape[1], WINDOWS["same"], shape, [])
    compiled(tmp_path / "m.onnx")
    check(tmp_path, shape, shape[1], WINDOWS["same"], constants, lambda values: values)


def test_no_images(tmp_path):
    save_model(tmp_path / "m.onnx", 33, WINDOWS["same"], ["n", 33, "h", "w"], [])
    compiled(tmp_path / "m.onnx")
    got = execute(BUILD, tmp_path / "m.bin", {"x": np.zeros((0, 33, 9, 11), np.float32)}, tmp_path)["y"]
    assert got.shape == (0, 33, 9, 11)


def test_too_many_taps(tmp_path):
    """More taps along the last dim than instructions are written for stay channels-last."""
    window = ((65,), (1,), (1,), (32, 32))
    constants = save_model(tmp_path / "m.onnx", 33, window, ["n", 33, "w"], [])
    assert "laic_depthwise" not in compiled(tmp_path / "m.onnx")
    check(tmp_path, (2, 33, 90), 33, window, constants, lambda values: values)


def test_epilogue_by_channel(tmp_path):
    tail = [helper.make_node("Mul", ["c", "gain"], ["m"]), helper.make_node("Sigmoid", ["m"], ["y"])]
    constants = save_model(tmp_path / "m.onnx", 33, WINDOWS["stride 2"], ["n", 33, "h", "w"], tail)
    said = compiled(tmp_path / "m.onnx")
    assert "laic_depthwise" in said and "laic_transpose" not in said and "laic_mul" not in said
    check(tmp_path, (2, 33, 21, 30), 33, WINDOWS["stride 2"], constants, lambda values: 1 / (1 + np.exp(-values * constants["gain"])))


def test_channels_last_stays_among_others(tmp_path):
    """Between products with channels innermost nothing is transposed for a depthwise convolution."""
    rng = np.random.default_rng(0)
    constants = {"p": rng.standard_normal((64, 64, 1, 1)).astype(np.float32), "w": rng.standard_normal((64, 1, 3, 3)).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "p"], ["a"]), helper.make_node("Conv", ["a", "w"], ["b"], group=64, pads=[1] * 4),
             helper.make_node("Conv", ["b", "p"], ["y"])]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [info("x", TensorProto.FLOAT, [1, 64, 20, 20])], [info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(v, n) for n, v in constants.items()])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    said = compiled(tmp_path / "m.onnx")
    assert "laic_depthwise" not in said and said.count("laic_transpose") == 2


def test_residual_is_added_apart(tmp_path):
    """An operand that differs along the last dim is none of its epilogue."""
    constants = save_model(tmp_path / "m.onnx", 32, WINDOWS["same"], ["n", 32, "h", "w"], [helper.make_node("Add", ["c", "x"], ["y"])])
    assert "laic_depthwise" not in compiled(tmp_path / "m.onnx")
    x = np.random.default_rng(0).standard_normal((2, 32, 17, 19)).astype(np.float32)
    got = execute(BUILD, tmp_path / "m.bin", {"x": x}, tmp_path)["y"]
    np.testing.assert_allclose(got, expected(x, constants["w"], WINDOWS["same"]) + constants["b"][:, None, None] + x, rtol=1e-4, atol=1e-4)

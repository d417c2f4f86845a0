"""3x3 convolutions by Winograd's algorithm: errors within the bounds of docs/Numerics.md, epilogues, what --math=strict changes."""
import subprocess

import numpy as np
import onnx
import pytest
from locations import BUILD
from onnx import TensorProto, helper, numpy_helper

UNIT = 2.0**-24


def weights(filters, channels, seed=1):
    rng = np.random.default_rng([seed, filters, channels])
    return (rng.standard_normal((filters, channels, 3, 3)) * np.sqrt(2 / (9 * channels))).astype(np.float32)


def convolution(x, w):
    """The sums of a convolution of padding 1 and of the magnitudes of its products, in f64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = x.shape[2:]
    total = magnitude = 0
    for i in range(3):
        for j in range(3):
            part, taps = padded[:, :, i:i + height, j:j + width], w[:, :, i, j].astype(np.float64)
            total = total + np.einsum("nchw,fc->nfhw", part, taps, optimize=True)
            magnitude = magnitude + np.einsum("nchw,fc->nfhw", abs(part), abs(taps), optimize=True)
    return total, magnitude


def largest_in_tile(values, tile):
    """Every element becomes the largest of its tile."""
    n, f, h, w = values.shape
    rows, columns = -(-h // tile), -(-w // tile)
    whole = np.zeros((n, f, rows * tile, columns * tile))
    whole[:, :, :h, :w] = values
    largest = whole.reshape(n, f, rows, tile, columns, tile).max((3, 5))
    return np.repeat(np.repeat(largest, tile, 2), tile, 3)[:, :, :h, :w]


def save(path, w, nodes=(), inputs=(), dims=("n", "h", "w")):
    """x -> Conv of padding 1 -> nodes -> y."""
    n, h, wide = dims
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n, w.shape[1], h, wide])]
    values += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [n, w.shape[0], h, wide]) for name in inputs]
    conv = helper.make_node("Conv", ["x", "w"], ["c" if nodes else "y"], name="conv", pads=[1, 1, 1, 1])
    graph = helper.make_graph([conv, *nodes], "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n, w.shape[0], h, wide])],
                              [numpy_helper.from_array(w, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def compile_model(folder, *options):
    """What --explain says."""
    done = subprocess.run([BUILD / "bin" / "laic", folder / "m.onnx", "-o", folder / "m.bin", "--explain", *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def run(folder, *options, **feeds):
    np.savez(folder / "in.npz", **feeds)
    done = subprocess.run([BUILD / "bin" / "laic-run", folder / "m.bin", "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", *options],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npz")["y"]


@pytest.mark.parametrize("tile, size", [(2, (10, 13)), (4, (14, 14)), (4, (31, 26))])
@pytest.mark.parametrize("level", ["native", "x86-64-v2"])
@pytest.mark.parametrize("scale", ["even", "varying", "outliers"])
def test_error_is_within_the_bound_of_the_tile(tmp_path, tile, size, level, scale):
    w, rng = weights(64, 64), np.random.default_rng(3)
    x = rng.standard_normal((2, 64, *size)).astype(np.float32)
    if scale == "varying":
        x *= np.exp(2 * rng.standard_normal((2, 1, *size))).astype(np.float32)
    if scale == "outliers":
        x *= np.where(rng.random((2, 1, *size)) < 0.01, 1000, 1).astype(np.float32)
    save(tmp_path / "m.onnx", w, dims=("n", *size))
    assert f"Winograd F({tile}x{tile},3x3)" in compile_model(tmp_path, f"--cpu={level}")
    want, magnitude = convolution(x, w)
    bound = 2 * np.sqrt(9 * 64) * UNIT * magnitude
    error = abs(run(tmp_path, x=x) - want)
    assert (error <= largest_in_tile(bound, tile)).all()
    if tile == 2:
        assert (error <= bound).all()
    assert "laic_winograd" not in compile_model(tmp_path, f"--cpu={level}", "--math=strict")
    assert (abs(run(tmp_path, x=x) - want) <= bound).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (2, 13, 17), (3, 4, 30), (1, 40, 41)])
def test_residual_and_relu_of_any_size(tmp_path, shape):
    n, h, wide = shape
    w, rng = weights(96, 32), np.random.default_rng(4)
    nodes = [helper.make_node("Add", ["c", "r"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    save(tmp_path / "m.onnx", w, nodes, ["r"])
    x, r = rng.standard_normal((n, 32, h, wide)).astype(np.float32), rng.standard_normal((n, 96, h, wide)).astype(np.float32)
    assert "laic_winograd_f32_dxdxdx96" in compile_model(tmp_path)
    want, magnitude = convolution(x, w)
    bound = largest_in_tile(2 * np.sqrt(9 * 32) * UNIT * (magnitude + abs(r)), 4)
    got = run(tmp_path, x=x, r=r)
    assert (abs(got - np.maximum(want + r, 0)) <= bound).all()
    assert (run(tmp_path, "--threads=3", x=x, r=r) == got).all()


def test_silu_behind_it(tmp_path):
    w, rng = weights(32, 32), np.random.default_rng(5)
    save(tmp_path / "m.onnx", w, [helper.make_node("Sigmoid", ["c"], ["g"]), helper.make_node("Mul", ["c", "g"], ["y"])], dims=(1, 20, 20))
    x = rng.standard_normal((1, 32, 20, 20)).astype(np.float32)
    assert "laic_winograd" in compile_model(tmp_path)
    want, _ = convolution(x, w)
    np.testing.assert_allclose(run(tmp_path, x=x), want / (1 + np.exp(-want)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tap, formed", [(9.0, True), (11.0, False)])
def test_filters_of_uneven_taps_stay_direct(tmp_path, tap, formed):
    w = np.ones((32, 32, 3, 3), np.float32)
    w[17, :, 2, 0] = tap
    save(tmp_path / "m.onnx", w, dims=(1, 16, 16))
    said = compile_model(tmp_path)
    assert ("laic_winograd" in said) == formed
    assert ("3x3 convolution stays direct: taps of a filter differ by more than 10 times" in said) != formed


def test_a_nan_reaches_the_tiles_that_read_it(tmp_path):
    w = weights(32, 32)
    save(tmp_path / "m.onnx", w, dims=(1, 16, 16))
    compile_model(tmp_path)
    x = np.ones((1, 32, 16, 16), np.float32)
    x[0, 5, 6, 6] = np.nan  # inside the second tile of both directions, whose neighbours read rows and columns 3 to 8 alone
    nan = np.isnan(run(tmp_path, x=x)[0, 0])
    assert nan[4:8, 4:8].all() and not nan[:4].any() and not nan[8:].any() and not nan[:, :4].any() and not nan[:, 8:].any()


def test_a_dump_is_not_resumed_under_other_rules(tmp_path):
    save(tmp_path / "m.onnx", weights(32, 32), dims=(1, 16, 16))
    compile_model(tmp_path, f"--dump-phases={tmp_path}")

    def resume(phase, *options):
        return subprocess.run([BUILD / "bin" / "laic", tmp_path / phase, "-o", tmp_path / "again.bin", "-q", *options], capture_output=True, text=True, timeout=120)

    assert resume("4-dispatch.mlir", "--from=codegen").returncode == 0
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "m.bin").read_bytes()
    refused = resume("4-dispatch.mlir", "--from=codegen", "--math=strict")
    assert refused.returncode == 1 and ": holds convolutions by Winograd's algorithm, which --math=strict excludes" in refused.stderr
    assert "note: start from dispatch or an earlier phase" in refused.stderr
    assert resume("3-fuse.mlir", "--from=dispatch", "--math=strict").returncode == 0

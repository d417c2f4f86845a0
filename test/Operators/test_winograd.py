"""Convolutions by Winograd's algorithm: errors within the bounds of docs/Numerics.md, epilogues, what --math=strict changes."""
import subprocess

import numpy as np
import onnx
import pytest
from locations import BUILD
from onnx import TensorProto, helper, numpy_helper

UNIT = 2.0**-24


def weights(filters, channels, taps=(3, 3), seed=1):
    rng = np.random.default_rng([seed, filters, channels])
    return (rng.standard_normal((filters, channels, *taps)) * np.sqrt(2 / (np.prod(taps) * channels))).astype(np.float32)


def convolution(x, w):
    """The sums of a convolution that keeps the size and of the magnitudes of its products, in f64."""
    taps = w.shape[2:]
    padded = np.pad(x.astype(np.float64), [(0, 0), (0, 0), *((n // 2, n // 2) for n in taps)])
    total = magnitude = 0
    for tap in np.ndindex(taps):
        part = padded[(slice(None), slice(None), *(slice(i, i + n) for i, n in zip(tap, x.shape[2:])))]
        factors = w[(slice(None), slice(None), *tap)].astype(np.float64)
        total = total + np.einsum("nc...,fc->nf...", part, factors, optimize=True)
        magnitude = magnitude + np.einsum("nc...,fc->nf...", abs(part), abs(factors), optimize=True)
    return total, magnitude


def largest_in_tile(values, *tiles):
    """Every element becomes the largest of its tile; a tile for each of the last axes."""
    for axis, tile in zip(range(values.ndim - len(tiles), values.ndim), tiles):
        starts = np.arange(0, values.shape[axis], tile)
        values = np.repeat(np.maximum.reduceat(values, starts, axis), tile, axis).take(np.arange(values.shape[axis]), axis)
    return values


def save(path, w, nodes=(), inputs=(), dims=("n", "h", "w")):
    """x -> Conv that keeps the size -> nodes -> y."""
    n, *sizes = dims
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n, w.shape[1], *sizes])]
    values += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [n, w.shape[0], *sizes]) for name in inputs]
    conv = helper.make_node("Conv", ["x", "w"], ["c" if nodes else "y"], name="conv", pads=[taps // 2 for taps in w.shape[2:]] * 2)
    graph = helper.make_graph([conv, *nodes], "g", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n, w.shape[0], *sizes])],
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
    assert (error <= largest_in_tile(bound, tile, tile)).all()
    if tile == 2:
        assert (error <= bound).all()
    assert "laic_winograd" not in compile_model(tmp_path, f"--cpu={level}", "--math=strict")
    assert (abs(run(tmp_path, x=x) - want) <= bound).all()


# Taps, sizes, tiles; sizes of one dim, of several images as one, of a dim that is not walked; tiles that end at the border and beyond it.
SHAPES = [((3,), (203,), (4,)), ((3,), (50,), (2,)), ((5,), (200,), (2,)), ((5,), (51,), (2,)), ((5, 1), (64, 1), (2, 1)), ((3, 1), (40, 7), (4, 1)),
          ((1, 3), (7, 41), (4,)), ((1, 5), (9, 30), (2,)), ((5, 5), (14, 14), (2, 2)), ((5, 5), (9, 8), (2, 2)), ((3, 5), (16, 15), (4, 2)),
          ((5, 3), (8, 9), (2, 2))]


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("channels", [16, 48])
@pytest.mark.parametrize("taps, sizes, tiles", SHAPES + [((3, 3), (20, 30), (4, 4))])
def test_other_taps(tmp_path, taps, sizes, tiles, channels, dynamic):
    if dynamic:  # tiles are the largest ones then; rows of images are not joined
        tiles = tuple(1 if n == 1 else 4 if n == 3 else 2 for n in (taps if len(tiles) == len(taps) else taps[1:]))
    w, rng = weights(32, channels, taps), np.random.default_rng(6)
    w /= np.sqrt(np.mean(w * w, 1, keepdims=True))
    w *= np.where(np.indices(taps).sum(0) % 2, 1, 9.5).astype(np.float32)  # as uneven as is taken, on pixels of which some are outliers
    x = rng.standard_normal((2, channels, *sizes)).astype(np.float32) * np.where(rng.random((2, 1, *sizes)) < 0.05, 1000, 1).astype(np.float32)
    nodes = [helper.make_node("Relu", ["c"], ["a"]), helper.make_node("Add", ["a", "r"], ["y"])]
    save(tmp_path / "m.onnx", w, nodes, ["r"], dims=("n", *"hw"[:len(sizes)]) if dynamic else (2, *sizes))
    said = ["x".join(map(str, n)) for n in (tiles, taps[-len(tiles):])]
    which = said[1] + "-tap" * (len(tiles) == 1)
    level = "--cpu=native" if channels == 48 else "--cpu=x86-64-v2"
    assert f"{which} convolution by Winograd F({said[0]},{said[1]})" in compile_model(tmp_path, level)
    want, magnitude = convolution(x, w)
    bound = (8 if 5 in taps else 4) * 2 * np.sqrt(np.prod(taps) * channels) * UNIT
    r = rng.standard_normal(want.shape).astype(np.float32)
    got = run(tmp_path, x=x, r=r)
    assert (abs(got - (np.maximum(want, 0) + r)) <= bound * (largest_in_tile(magnitude, *tiles) + abs(r))).all()
    assert "laic_winograd" not in compile_model(tmp_path, "--math=strict")


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (2, 13, 17), (3, 4, 30), (1, 40, 41)])
def test_residual_and_relu_of_any_size(tmp_path, shape):
    n, h, wide = shape
    w, rng = weights(96, 32), np.random.default_rng(4)
    nodes = [helper.make_node("Add", ["c", "r"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    save(tmp_path / "m.onnx", w, nodes, ["r"])
    x, r = rng.standard_normal((n, 32, h, wide)).astype(np.float32), rng.standard_normal((n, 96, h, wide)).astype(np.float32)
    assert "laic_winograd_f32_dxdxdx96" in compile_model(tmp_path)
    want, magnitude = convolution(x, w)
    bound = largest_in_tile(2 * np.sqrt(9 * 32) * UNIT * (magnitude + abs(r)), 4, 4)
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

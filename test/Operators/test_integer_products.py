"""Products of dequantised bytes (QDQ models) against exact sums of integers: Conv, MatMul and Gemm of every kind of operand and result.

onnxruntime is no oracle here: without dot products its sums saturate.
"""
import itertools
import os
import subprocess

import numpy as np
import onnx
import pytest
from assembly import innermost_loops, spills
from locations import BUILD
from onnx import TensorProto, helper, numpy_helper

F32 = np.float32


class Model:
    """Nodes and constants of one graph, with what each is expected to compute. Cases share a graph, so that few compilations do."""

    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs, self.feeds, self.checks = [], [], [], [], {}, []
        self.names = itertools.count()

    def constant(self, array):
        name = f"c{next(self.names)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, inputs, **attributes):
        name = f"t{next(self.names)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def input(self, array, dims):
        name = f"x{next(self.names)}"
        self.inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), dims))
        self.feeds[name] = array
        return name

    def output(self, name, want, title):
        self.outputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(want.dtype), [None] * want.ndim))
        self.checks.append((name, want, title))

    def save(self, path):
        graph = helper.make_graph(self.nodes, "g", self.inputs, self.outputs, self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)

    def run(self, folder, *options):
        self.save(folder / "m.onnx")
        np.savez(folder / "in.npz", **self.feeds)
        for command in ([BUILD / "bin" / "laic", folder / "m.onnx", "-o", folder / "m.bin", "-q", *options],
                        [BUILD / "bin" / "laic-run", folder / "m.bin", "--inputs", folder / "in.npz", "--outputs", folder / "out.npz"]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
        got = np.load(folder / "out.npz")
        wrong = [f"{title}: {why}" for name, want, title in self.checks if (why := difference(got[name], want))]
        assert not wrong, "\n".join(wrong)


def difference(got, want):
    """Bytes: one quantum apart at most, and few of them. Floats: close for the magnitude of all."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{got.shape}, expected {want.dtype}{want.shape}"
    if want.dtype == F32:
        error, allowed = abs(got.astype(float) - want).max(initial=0), 1e-5 * abs(want).max(initial=0)
        return "" if error <= allowed else f"error {error}, allowed {allowed}"
    apart = abs(got.astype(int) - want)
    if apart.max(initial=0) > 1:
        return f"{apart.max()} quanta apart, {(apart > 1).sum()} of {want.size} by more than one"
    return "" if (apart > 0).sum() <= max(1, want.size // 1000) else f"{(apart > 0).sum()} of {want.size} are one quantum apart"


def quantise(values, scale, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(values / scale).astype(np.int64) + int(zero), limits.min, limits.max).astype(zero.dtype)


def patches(x, kernel, strides, dilations, pads):
    """x [n, c, ...] of i64 as [n, c, positions..., taps...]; x is centred, so padding is 0."""
    rank = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:])])
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    windows = np.lib.stride_tricks.sliding_window_view(x, extent, axis=tuple(range(2, 2 + rank)))
    return windows[(slice(None), slice(None), *(slice(None, None, s) for s in strides), *(slice(None, None, d) for d in dilations))]


def convolve(x, w, group, strides, dilations, pads):
    """Exact sums, in i64."""
    rank = w.ndim - 2
    p = patches(x, w.shape[2:], strides, dilations, pads)
    n, places = p.shape[0], p.shape[2:2 + rank]
    taps = int(np.prod(w.shape[1:]))
    p = np.moveaxis(p.reshape(n, group, -1, *p.shape[2:]), 2, 2 + rank)  # n, g, places, c, taps
    p, w = p.reshape(n, group, -1, taps), w.reshape(group, -1, taps)
    return np.einsum("ngpt,gft->ngfp", p, w).reshape(n, -1, *places)


def same_pads(shape, kernel, strides, dilations, upper):
    low, high = [], []
    for size, k, s, d in zip(shape, kernel, strides, dilations):
        total = max(0, (-(-size // s) - 1) * s + (k - 1) * d + 1 - size)
        low.append(total // 2 if upper else total - total // 2)
        high.append(total - low[-1])
    return low + high


# How operands and results are held; each case of a list below draws some.
KINDS = list(itertools.product((np.uint8, np.int8), (np.int8, np.uint8), ("tensor", "channel"), ("i32", "float", "none"), ("bytes", "relu", "floats"),
                               (False, True)))


def drawn(seed, count):
    """Kinds that differ: after two cases of each shape most pairs have come by."""
    order = np.random.default_rng(seed).permutation(len(KINDS))
    return [KINDS[i] for i in order[:count]]


class Operands:
    """The quantised operands of one product and what stands behind it."""

    def __init__(self, model, rng, kind, x_shape, w_shape, channel_axis):
        self.model, self.rng = model, rng
        a, w, self.per, self.bias, self.result, self.symbolic = kind
        self.title = f"x={np.dtype(a)} w={np.dtype(w)} per {self.per} bias={self.bias} -> {self.result}{' symbolic' if self.symbolic else ''}"
        self.channels, self.axis = w_shape[channel_axis], channel_axis
        limits = np.iinfo(a)
        self.x = rng.integers(limits.min, limits.max, x_shape, endpoint=True, dtype=a)
        self.x_zero, self.x_scale = a(rng.integers(limits.min, limits.max, endpoint=True)), F32(rng.uniform(0.005, 0.03))
        self.w_zero = w(128 if w is np.uint8 else 0)
        self.w = (rng.choice([-128, 127, *range(-60, 60)], w_shape) + int(self.w_zero)).astype(w)
        self.w_scale = rng.uniform(0.001, 0.02, self.channels).astype(F32) if self.per == "channel" else F32(rng.uniform(0.001, 0.02))
        dims = [f"n{len(model.inputs)}", *x_shape[1:]] if self.symbolic else list(x_shape)
        self.x_value = model.node("DequantizeLinear", [model.input(self.x, dims), model.constant(self.x_scale), model.constant(self.x_zero)])
        zeros = np.full_like(self.w_scale, 0, w) + self.w_zero
        axis = {} if self.per == "tensor" else {"axis": channel_axis}
        self.w_value = model.node("DequantizeLinear", [model.constant(self.w), model.constant(self.w_scale), model.constant(zeros.astype(w))], **axis)
        self.units = (self.x_scale * self.w_scale).astype(F32)

    def centred(self):
        return self.x.astype(np.int64) - int(self.x_zero), self.w.astype(np.int64) - int(self.w_zero)

    def add_bias(self, magnitude):
        """Its value, the integers and the floats that it adds to each channel."""
        ints, floats = np.zeros(self.channels, np.int64), np.zeros(self.channels)
        if self.bias == "none":
            return None, ints, floats
        if self.bias == "float":
            floats = self.rng.uniform(-magnitude, magnitude, self.channels).astype(F32)
            return self.model.constant(floats), ints, floats.astype(float)
        ints = np.rint(self.rng.uniform(-magnitude, magnitude, self.channels) / self.units).astype(np.int32)
        axis = {"axis": 0} if self.units.ndim else {}
        value = self.model.node("DequantizeLinear", [self.model.constant(ints), self.model.constant(self.units)], **axis)
        return value, ints.astype(np.int64), floats

    def finish(self, value, sums, ints, floats, axis, title):
        """Adds what follows the product `value` of exact `sums`. `axis`: that of the channels in the sums."""
        model, along = self.model, [1] * sums.ndim
        along[axis] = -1
        exact = (sums + ints.reshape(along)).astype(float) * np.broadcast_to(self.units.astype(float), self.channels).reshape(along) + floats.reshape(along)
        title = f"{title} {self.title}"
        if self.result == "floats":
            return model.output(value, exact.astype(F32), title)
        if self.result == "relu":
            value, exact = model.node("Relu", [value]), np.maximum(exact, 0)
        dtype = self.rng.choice([np.uint8, np.int8])
        scale, zero = F32(max(abs(exact).max(initial=0), 1e-3) / 150), dtype(self.rng.integers(0, 100))
        name = model.node("QuantizeLinear", [value, model.constant(scale), model.constant(zero)])
        if self.result == "bytes" and not floats.any():  # rounded as the fused product does it
            factor = (self.units / scale).astype(F32)
            factors = np.broadcast_to(factor, self.channels).reshape(along)
            rounded = np.rint((sums + ints.reshape(along)).astype(F32) * factors).astype(np.int64) + int(zero)
            limits = np.iinfo(dtype)
            want = np.clip(rounded, limits.min, limits.max).astype(dtype)
        else:
            want = quantise(exact, float(scale), zero)
        model.output(name, want, title)


# channels, filters, kernel, size, group, strides, dilations, pads (or an auto_pad)
CONVOLUTIONS = [
    (16, 24, (1,), (20,), 1, (1,), (1,), (0, 0)),
    (5, 9, (3,), (21,), 1, (2,), (1,), (2, 1)),
    (12, 8, (7,), (30,), 2, (1,), (2,), (3, 5)),
    (3, 32, (3, 3), (13, 11), 1, (2, 2), (1, 1), (1, 1, 1, 1)),
    (3, 16, (7, 7), (20, 23), 1, (2, 2), (1, 1), (3, 3, 3, 3)),
    (64, 40, (1, 1), (7, 9), 1, (1, 1), (1, 1), (0, 0, 0, 0)),
    (32, 64, (1, 1), (9, 8), 1, (2, 2), (1, 1), (0, 0, 0, 0)),
    (13, 33, (3, 3), (9, 10), 1, (1, 1), (1, 1), (0, 1, 2, 0)),
    (32, 32, (3, 3), (8, 8), 1, (1, 1), (2, 2), (2, 2, 2, 2)),
    (8, 8, (3, 3), (9, 9), 1, (1, 1), (1, 1), "SAME_UPPER"),
    (8, 12, (3, 3), (10, 9), 1, (2, 2), (1, 1), "SAME_LOWER"),
    (8, 12, (3, 3), (10, 9), 1, (1, 2), (1, 1), "VALID"),
    (16, 16, (3, 3), (9, 9), 16, (1, 1), (1, 1), (1, 1, 1, 1)),
    (12, 24, (3, 3), (9, 9), 12, (2, 2), (1, 1), (1, 0, 1, 2)),
    (32, 24, (3, 3), (8, 7), 4, (1, 1), (1, 1), (1, 1, 1, 1)),
    (10, 6, (3, 3), (8, 7), 2, (1, 1), (1, 1), (1, 1, 1, 1)),
]


def convolution(model, rng, kind, case):
    channels, filters, kernel, size, group, strides, dilations, pads = case
    operands = Operands(model, rng, kind, (2, channels, *size), (filters, channels // group, *kernel), 0)
    attributes = {"auto_pad": pads} if isinstance(pads, str) else {"pads": pads}
    if isinstance(pads, str):
        pads = [0] * (2 * len(kernel)) if pads == "VALID" else same_pads(size, kernel, strides, dilations, pads == "SAME_UPPER")
    x, w = operands.centred()
    sums = convolve(x, w, group, strides, dilations, pads)
    bias, ints, floats = operands.add_bias(0.3 * float(abs(sums).max() * operands.units.max()))
    value = model.node("Conv", [operands.x_value, operands.w_value, *([bias] if bias else [])], group=group, strides=strides, dilations=dilations, **attributes)
    operands.finish(value, sums, ints, floats, 1, f"Conv {case}")


# x, w
MATRICES = [((5, 24), (24, 40)), ((1, 64), (64, 96)), ((33, 7), (7, 9)), ((2, 3, 5, 20), (20, 33)), ((2, 5, 24), (2, 24, 16)), ((24,), (24, 40)),
            ((150, 130), (130, 64))]


def matrix_product(model, rng, kind, case):
    x_shape, w_shape = case
    operands = Operands(model, rng, kind, x_shape, w_shape, len(w_shape) - 1)
    x, w = operands.centred()
    sums = x @ w
    value = model.node("MatMul", [operands.x_value, operands.w_value])
    nothing = np.zeros(w_shape[-1])
    operands.finish(value, sums, nothing.astype(np.int64), nothing, -1, f"MatMul {case}")


# rows, depth, columns, transB, beta
GEMMS = [(5, 24, 40, 0, 1.0), (1, 64, 96, 1, 1.0), (33, 7, 9, 1, 1.0), (13, 20, 33, 0, 0.5), (4, 12, 32, 1, 2.0)]


def gemm(model, rng, kind, case):
    rows, depth, columns, transposed, beta = case
    operands = Operands(model, rng, kind, (rows, depth), (columns, depth) if transposed else (depth, columns), 0 if transposed else 1)
    x, w = operands.centred()
    sums = x @ (w.T if transposed else w)
    bias, ints, floats = operands.add_bias(0.3 * float(abs(sums).max() * operands.units.max()))
    value = model.node("Gemm", [operands.x_value, operands.w_value, *([bias] if bias else [])], transB=transposed, beta=beta)
    along = np.broadcast_to(operands.units.astype(float), columns)
    operands.finish(value, sums, np.zeros_like(ints), beta * (ints * along + floats), -1, f"Gemm {case}")


FAMILIES = {"conv": (convolution, CONVOLUTIONS, 6), "matmul": (matrix_product, MATRICES, 12), "gemm": (gemm, GEMMS, 16)}


@pytest.mark.parametrize("level", ["native", "x86-64-v2"])
@pytest.mark.parametrize("family", FAMILIES)
def test_sums_are_exact(tmp_path, family, level):
    build, cases, kinds = FAMILIES[family]
    model, rng = Model(), np.random.default_rng(5)
    for i, case in enumerate(cases):
        for kind in drawn([7, i], kinds if level == "native" else 2):
            build(model, rng, kind, case)
    model.run(tmp_path, f"--cpu={level}")


ONE_GROUP = [(convolution, (2, 7, (1, 1), (6, 5), 1, (1, 1), (1, 1), (0, 0, 0, 0))),
             (convolution, (3, 8, (3, 3), (9, 9), 1, (1, 1), (2, 2), (2, 2, 2, 2))),
             (convolution, (6, 8, (7,), (30,), 2, (1,), (1,), (3, 3))),
             (convolution, (16, 24, (3, 3), (8, 7), 4, (1, 1), (1, 1), (1, 1, 1, 1))),
             (matrix_product, ((4, 3), (3, 5))),
             (gemm, (7, 4, 33, 1, 1.0))]


@pytest.mark.parametrize("level", ["native", "x86-64-v2"])
@pytest.mark.parametrize("build, case", ONE_GROUP)
def test_reductions_of_one_group(tmp_path, build, case, level):
    model, rng = Model(), np.random.default_rng(5)
    for kind in drawn(7, 3):
        build(model, rng, kind, case)
    model.run(tmp_path, f"--cpu={level}")


def test_aarch64_is_compiled(tmp_path):
    model, rng = Model(), np.random.default_rng(6)
    for build, cases, _ in FAMILIES.values():
        for i, case in enumerate(cases[:6]):
            build(model, rng, drawn([8, i], 1)[0], case)
    model.save(tmp_path / "m.onnx")
    done = subprocess.run([BUILD / "bin" / "laic", tmp_path / "m.onnx", "-o", tmp_path / "m.bin", "-q", "--cpu=aarch64:v8"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


CONVOLUTION, ROWS, ROW = (64, 128, (3, 3), (14, 14), 1, (1, 1), (1, 1), (1, 1, 1, 1)), ((150, 132), (132, 64)), ((1, 512), (512, 512))


@pytest.mark.parametrize("level, instruction, x, case", [
    (level, instruction, x, case) for level, instruction in (("x86-64-v4+avx512vnni", "vpdpbusd"), ("x86-64-v3+avxvnni", "vpdpbusd"), ("x86-64-v3", "vpmaddwd"))
    for x in (np.uint8, np.int8) for case in (CONVOLUTION, ROWS, ROW)
] + [("x86-64-v4+amx-int8", instruction, x, case) for x, instruction in ((np.uint8, "tdpbusd"), (np.int8, "tdpbssd")) for case in (CONVOLUTION, ROWS)])
def test_inner_loops_stay_in_registers(tmp_path, level, instruction, x, case):
    model = Model()
    build = matrix_product if len(case) == 2 else convolution
    build(model, np.random.default_rng(9), (x, np.int8, "channel", "none", "bytes", False), case)
    model.save(tmp_path / "m.onnx")
    done = subprocess.run([BUILD / "bin" / "laic", tmp_path / "m.onnx", "-o", tmp_path / "m.bin", "-q", f"--cpu={level}"], capture_output=True, text=True,
                          timeout=120, env={**os.environ, "LAIC_DUMP_KERNELS": "1"})
    assert done.returncode == 0, done.stderr[-1000:]
    loops = [loop for loop in innermost_loops(done.stderr) if sum(instruction in line for line in loop) >= 2]
    assert loops, f"no loop of {instruction}"
    assert not any(map(spills, loops)), [spills(loop) for loop in loops]

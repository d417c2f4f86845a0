"""What an HLS design must compute, recomputed from the ONNX graph by the rules of docs/Targets/HLS.md, section "Numbers".

Everything is exact integer arithmetic in numpy; nothing of the compiler is used. A tensor is integers q with an Encoding and stands
for (q - zero) * scale. onnx_graph.py reads ONNX; here are the stages, named after the section's paragraphs.
"""
import math
from dataclasses import dataclass

import numpy as np

from onnx_graph import Constant, Graph, axes_of, movement, windows

FIXED_BITS = 16


@dataclass(frozen=True)
class Encoding:
    scale: float
    zero: int
    bits: int
    signed: bool

    @property
    def lowest(self):
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def highest(self):
        return (1 << self.bits - self.signed) - 1

    def quantise(self, value):
        """A bound or an entry of a table: integers, saturated."""
        return clamp(rounded(np.asarray(value, "f8") / self.scale) + self.zero, self.lowest, self.highest)


@dataclass
class Tensor:
    q: np.ndarray  # int64
    encoding: Encoding

    def centred(self):
        return self.q - self.encoding.zero


@dataclass
class Tail:
    """What fuses behind an operation: y = clamp(scale[c] * x + bias[c], lo, hi), encoded; `names` are the tensors up to the last."""
    scale: np.ndarray
    bias: np.ndarray
    lo: float
    hi: float
    encoding: Encoding
    names: list

    def bounds(self):
        e = self.encoding
        lo = e.lowest if self.lo == -math.inf else int(e.quantise(self.lo))
        hi = e.highest if self.hi == math.inf else int(e.quantise(self.hi))
        return lo, hi


def rounded(x):
    """floor(x + 1/2), which keeps what is no finite number's at the ends of int64."""
    return np.floor(np.clip(np.nan_to_num(np.asarray(x, "f8") + 0.5), -2.0**62, 2.0**62)).astype("i8")


def clamp(q, lo, hi):
    return np.minimum(np.maximum(q, lo), hi)


def signed_width(v):
    """floor(log2 v) + 2."""
    return int(v).bit_length() + 1


def fixed(lo, hi, bits=FIXED_BITS, margin=1):
    """The encoding of numbers in [lo, hi] `margin` times over."""
    most = margin * max(abs(float(lo)), abs(float(hi)))
    integer = (math.floor(math.log2(most)) if most > 0 else -1) + 2
    return Encoding(2.0**(integer - bits), 0, bits, True)


def shifted(a, n):
    """a / 2^n to nearest, halves to even."""
    up = a + (1 << n - 1) >> n if n else a
    return up - (((up << n) == a + (1 << n - 1)) & (up & 1)) if n else up


def requantise(acc, unit, width, tail):
    """clamp(z + a m / 2^n rounded) with the unit of the accumulator per channel, broadcast to it."""
    f = np.asarray(unit, "f8") / tail.encoding.scale
    bits, most = min(31, 63 - width), f.max()
    n = max((k for k in range(63) if rounded(most * 2.0**k) < 1 << bits), default=0)
    m = rounded(f * 2.0**n)
    return Tensor(clamp(tail.encoding.zero + shifted(acc * m, n), *tail.bounds()), tail.encoding)


def along(values, rank, axis):
    """Values per channel, to be broadcast along an axis."""
    return np.reshape(values, [-1 if d == axis % rank else 1 for d in range(rank)])


# ---- products ----

def product(x, weights, unit_w, bias, tail, multiply, axis, terms, is_fixed):
    """Conv, MatMul and Gemm. `weights` are integers with channels first, `unit_w` their real units per channel; multiply(x, w) sums."""
    scale = tail.scale * np.ones(len(weights))
    weights = weights * along(np.where(scale < 0, -1, 1), weights.ndim, 0)
    e = x.encoding
    unit = e.scale * unit_w * np.abs(scale) * np.ones(len(weights))
    whole = rounded((bias * scale + tail.bias) / unit) - e.zero * weights.reshape(len(weights), -1).sum(1)
    width = max(e.bits + signed_width(np.abs(weights).max()) + math.ceil(math.log2(terms)) + 1, signed_width(np.abs(whole).max()) + 1)
    acc = multiply(x, weights)
    acc = acc + along(whole, acc.ndim, axis)
    return requantise(acc, along(unit, acc.ndim, axis), width, tail)


def integer_weights(constant, axis_out, is_fixed, scale):
    """(integers with output channels first, unit per channel, whether `scale` is part of them)."""
    if constant.quantised is not None and not is_fixed:
        w, s, axis = constant.quantised
        w = np.moveaxis(w, axis_out, 0)
        if s.size > 1:
            assert axis % constant.values.ndim == axis_out % constant.values.ndim, "scales per output channel only"
        return w, s.reshape(-1), False
    values = np.moveaxis(constant.values.astype("f8"), axis_out, 0)
    if is_fixed:
        values = values * along(scale * np.ones(len(values)), values.ndim, 0)
    most = np.abs(values).max()
    e = fixed(-most, most)
    return e.quantise(values), np.array([e.scale]), is_fixed


def exact_matmul(a, b):
    """Integers in doubles: exact while every partial sum stays below 2^53."""
    assert np.abs(a).max(initial=0) * np.abs(b).max(initial=0) * a.shape[-1] < 2**53
    return (a.astype("f8") @ b.astype("f8")).astype("i8")


def convolve(x, weights, node, group):
    """Sums of q * w; what is padded is the zero point."""
    patches = windows(x.q, weights.shape[2:], node, x.encoding.zero)  # [1, C, *out, *kernel]
    n, channels, spatial = patches.shape[0], patches.shape[1], weights.ndim - 2
    out = patches.shape[2:2 + spatial]
    patches = np.moveaxis(patches, 1, 1 + spatial)  # [1, *out, C, *kernel]
    patches = patches.reshape(n, math.prod(out), group, channels // group, -1)
    w = weights.reshape(group, len(weights) // group, -1)
    parts = [exact_matmul(patches[:, :, g].reshape(n, math.prod(out), -1), w[g].T) for g in range(group)]
    return np.moveaxis(np.concatenate(parts, 2), 2, 1).reshape(n, len(weights), *out)


# ---- functions of one number ----

def erf(x):
    return np.vectorize(math.erf, otypes=["f4"])(x)


def sigmoid(x):
    return (1 / (1 + np.exp(-x))).astype("f4")


FUNCTIONS = {
    "Sigmoid": lambda x, a: sigmoid(x), "Tanh": lambda x, a: np.tanh(x), "Exp": lambda x, a: np.exp(x), "Abs": lambda x, a: np.abs(x),
    "HardSigmoid": lambda x, a: np.clip(np.float32(a.get("alpha", 0.2)) * x + np.float32(a.get("beta", 0.5)), 0, 1),
    "HardSwish": lambda x, a: x * np.clip(x * np.float32(1 / 6) + np.float32(0.5), 0, 1), "Neg": lambda x, a: -x,
    "LeakyRelu": lambda x, a: np.where(x < 0, x * np.float32(a.get("alpha", 0.01)), x),
    "Elu": lambda x, a: np.where(x < 0, np.float32(a.get("alpha", 1)) * np.expm1(x), x), "Sqrt": lambda x, a: np.sqrt(x),
    "Softplus": lambda x, a: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0), "Softsign": lambda x, a: x / (1 + np.abs(x)),
    "Erf": lambda x, a: erf(x), "Log": lambda x, a: np.log(x), "Reciprocal": lambda x, a: 1 / x,
    "Mish": lambda x, a: x * np.tanh(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)),
    "Gelu": lambda x, a: np.float32(0.5) * x * (1 + erf(x * np.float32(math.sqrt(0.5)))),
}
MOVES = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity", "Dropout"}
ARITHMETIC = {"Add", "Sub", "Mul", "Div"}


class Reference:
    """reference = Reference(model, dims, calibration); outputs = reference(inputs). Inputs may hold several frames."""

    def __init__(self, model, dims=None, calibration=None):
        self.graph = Graph(model, dims or {})
        self.ranges = self.graph.ranges(calibration) if calibration else {}
        self.values = {}
        self.ports = {name: self.port(name) for name in self.graph.inputs}

    # ---- encodings ----

    def encoded(self, node):
        """The encoding that a QuantizeLinear gives, or that a DequantizeLinear reads."""
        scale, zero, dtype = self.graph.quantisation(node)
        return Encoding(float(scale), int(zero), dtype.itemsize * 8, dtype.kind == "i")

    def of_range(self, name):
        if name not in self.ranges:
            raise ValueError(f"tensor '{name}' has no encoding: the model needs calibration")
        return fixed(*self.ranges[name], margin=4)

    def port(self, name):
        """An input's encoding: that of the only QuantizeLinear behind it, or of its range; of an integer, None."""
        kind = np.dtype(self.graph.inputs[name][1])
        if kind.kind in "iu":
            return None
        found, todo = set(), [name]
        while todo:
            tensor = todo.pop()
            if tensor in self.graph.outputs:
                found.add(None)
            for node in self.graph.users[tensor]:
                if node.op_type in MOVES and node.input[0] == tensor:
                    todo.append(node.output[0])
                else:
                    found.add(self.encoded(node) if node.op_type == "QuantizeLinear" else None)
        (only, *others) = found
        return self.of_range(name) if others or only is None else only

    # ---- running ----

    def __call__(self, feeds):
        results = [self.frame(feed) for feed in self.graph.frames(feeds)]
        return {name: np.concatenate([r[name] for r in results]) for name in results[0]}

    def frame(self, feed):
        self.values = {}
        for name, array in feed.items():
            e = self.ports[name]
            if e is None:
                self.values[name] = array.astype("i8")
                continue
            nearest = np.rint(array.astype("f4") / np.float32(e.scale)).astype("f8") + e.zero
            self.values[name] = Tensor(clamp(nearest, e.lowest, e.highest).astype("i8"), e)
        for node in self.graph.nodes:
            if node.output[0] not in self.values:
                self.step(node)
        return {name: self.result(name) for name in self.graph.outputs}

    def result(self, name):
        value, dtype = self.values[name], self.graph.outputs[name]
        if np.dtype(dtype).kind != "f":
            return (value if isinstance(value, np.ndarray) else value.q).astype(dtype)
        return value.centred().astype("f4") * np.float32(value.encoding.scale)

    def step(self, node):
        x = self.values.get(node.input[0])
        if node.op_type in FUNCTIONS:
            return self.table(node, x)
        if node.op_type in MOVES:
            encoding, q = (None, x) if isinstance(x, np.ndarray) else (x.encoding, x.q)
            moved = movement(node, q, self.graph.constants)
            self.values[node.output[0]] = moved if encoding is None else Tensor(moved, encoding)
            return None
        family = {"Conv": self.conv, "MatMul": self.matmul, "Gemm": self.matmul, "QuantizeLinear": self.quantize, "Concat": self.concat,
                  "DequantizeLinear": self.dequantize, "MaxPool": self.max_pool, "AveragePool": self.average_pool, "Softmax": self.softmax,
                  "GlobalAveragePool": self.average_pool, "GlobalMaxPool": self.max_pool, "BatchNormalization": self.affine,
                  "Relu": self.affine, "Clip": self.affine, "Add": self.elementwise, "Sub": self.elementwise, "Mul": self.elementwise,
                  "Div": self.elementwise, "Sum": self.elementwise}
        if node.op_type not in family:
            raise NotImplementedError(f"{node.op_type} has no stage")
        return family[node.op_type](node, x)

    # ---- fusion ----

    def tail(self, name, rank, axis, arithmetic):
        """What fuses behind tensor `name`, with channels along `axis`."""
        scale, bias, lo, hi, encoding, names = 1.0, 0.0, -math.inf, math.inf, None, [name]
        while name not in self.graph.outputs and len(self.graph.users[name]) == 1:
            (node,) = self.graph.users[name]
            per_channel = self.linear(node, name, rank, axis) if arithmetic else None
            if per_channel:
                s, b = per_channel
                scale, bias = scale * s, bias * s + b
            elif node.op_type in ("Relu", "Clip") and node.input[0] == name:
                arithmetic = False
                low, high = self.graph.bounds(node)
                lo, hi = min(max(lo, low), high), max(min(hi, high), low)
            elif node.op_type == "QuantizeLinear":
                encoding = self.encoded(node)
                names.append(node.output[0])
                break
            else:
                break
            name = node.output[0]
            names.append(name)
        return Tail(scale, bias, lo, hi, encoding or self.of_range(name), names)

    def linear(self, node, name, rank, axis):
        """(scale, bias) of arithmetic with constants per channel (or, with axis None, per element), or None."""
        if node.op_type == "BatchNormalization" and node.input[0] == name:
            return [along(v, rank, 1) if axis is None else v for v in self.graph.normalization(node)]
        if node.op_type not in ARITHMETIC:
            return None
        at = list(node.input).index(name)
        constant = self.graph.constants.get(node.input[1 - at])
        if constant is None or node.op_type == "Div" and at == 1:
            return None
        c = constant.values.astype("f8")
        if axis is not None:
            c = c.reshape([1] * (rank - c.ndim) + list(c.shape)) if c.ndim <= rank else None
            if c is None or any(size != 1 for d, size in enumerate(c.shape) if d != axis % rank):
                return None
            c = c.reshape(-1)
        if node.op_type == "Mul":
            return c, 0.0
        if node.op_type == "Div":
            return 1 / c, 0.0
        if node.op_type == "Sub":
            return (1.0, -c) if at == 0 else (-1.0, c)
        return 1.0, c

    def finish(self, tail, tensor):
        self.values.update(dict.fromkeys(tail.names), **{tail.names[-1]: tensor})

    # ---- stages ----

    def conv(self, node, x):
        constant = self.graph.constants[node.input[1]]
        group = self.graph.attribute(node, "group", 1)
        tail = self.tail(node.output[0], x.q.ndim, 1, True)
        bias = self.graph.constants[node.input[2]].values.astype("f8") if len(node.input) > 2 and node.input[2] else 0.0
        is_fixed = self.is_fixed(node.input[0])
        w, unit, scaled = integer_weights(constant, 0, is_fixed, tail.scale)
        depthwise = group > 1 and group == x.q.shape[1]
        terms = math.prod(w.shape[2:]) * (1 if depthwise else x.q.shape[1])
        self.multiplied(x, w, unit, bias, tail, scaled, lambda x, w: convolve(x, w, self.graph.attributes(node), group), 1, terms, is_fixed)

    def multiplied(self, x, w, unit, bias, tail, scaled, multiply, axis, terms, is_fixed):
        """With `scaled`, the weights hold the scale already."""
        if scaled:
            bias, tail = bias * tail.scale, Tail(1.0, tail.bias, tail.lo, tail.hi, tail.encoding, tail.names)
        self.finish(tail, product(x, w, unit, bias, tail, multiply, axis, terms, is_fixed))

    def matmul(self, node, x):
        constant, gemm = self.graph.constants[node.input[1]], node.op_type == "Gemm"
        transposed = gemm and self.graph.attribute(node, "transB", 0)
        alpha, beta = (self.graph.attribute(node, "alpha", 1.0), self.graph.attribute(node, "beta", 1.0)) if gemm else (1.0, 1.0)
        tail = self.tail(node.output[0], x.q.ndim, -1, True)
        tail.bias = tail.bias + 0.0
        bias = 0.0
        if gemm and len(node.input) > 2 and node.input[2]:
            bias = self.graph.constants[node.input[2]].values.astype("f8").reshape(-1) * beta
        tail.bias, tail.scale, bias = tail.bias + bias * tail.scale, tail.scale * alpha, 0.0
        is_fixed = self.is_fixed(node.input[0])
        w, unit, scaled = integer_weights(constant, 0 if transposed else -1, is_fixed, tail.scale)
        self.multiplied(x, w, unit, bias, tail, scaled, lambda x, w: exact_matmul(x.q, w.T), -1, w.shape[1], is_fixed)

    def is_fixed(self, name):
        """Whether a tensor is in fixed point: no zero point, 16 bits, by its range."""
        return name in self.ranges and self.values[name].encoding == self.of_range(name) or self.fixed_source(name)

    def fixed_source(self, name):
        """Through stages that keep encodings."""
        maker = self.graph.makers.get(name)
        if maker is None:
            return self.ports.get(name) is not None and name in self.ranges and self.ports[name] == self.of_range(name)
        return maker.op_type in MOVES | {"MaxPool", "GlobalMaxPool"} and self.is_fixed(maker.input[0])

    def quantize(self, node, x):
        """Not fused: a change of encoding, if it is one."""
        encoding = self.encoded(node)
        if x.encoding == encoding:
            self.values[node.output[0]] = x
        else:
            tail = Tail(1.0, 0.0, -math.inf, math.inf, encoding, [node.output[0]])
            self.finish(tail, self.scaled(x, None, 0.0, tail))

    def dequantize(self, node, x):
        q = x if isinstance(x, np.ndarray) else x.q
        self.values[node.output[0]] = Tensor(q, self.encoded(node))

    def scaled(self, x, scale, bias, tail):
        """Arithmetic with constants per element: x * scale + bias."""
        e = x.encoding
        if scale is None:
            whole, unit = np.int64(1 << 14), 2.0**-14
        else:
            most = np.abs(scale).max()
            rule = fixed(-most, most)
            whole, unit = rule.quantise(scale), rule.scale
        offset = rounded(np.asarray(bias, "f8") / (e.scale * unit)) - e.zero * whole
        width = max(e.bits + 17, signed_width(np.abs(offset).max()) + 1)
        return requantise(x.q * whole + offset, e.scale * unit, width, tail)

    def affine(self, node, x):
        """A chain of arithmetic with constants, Relu and Clip behind something else than a product."""
        name, scale, bias, rank = node.input[0] if x is not None else node.input[1], None, 0.0, None
        x = self.values[name]
        rank = x.q.ndim
        first = self.linear(node, name, rank, None)
        if first:
            s, bias = first
            scale = None if np.all(np.asarray(s) == 1.0) else s
            tail = self.tail(node.output[0], rank, None, False)
        else:
            low, high = self.graph.bounds(node)
            tail = self.tail(node.output[0], rank, None, False)
            tail.lo, tail.hi = min(max(low, tail.lo), tail.hi), max(min(high, tail.hi), tail.lo)
        self.finish(tail, self.scaled(x, scale, bias, tail))

    def elementwise(self, node, x):
        a, b = (self.values.get(name) for name in node.input)
        if a is None or b is None:
            return self.affine(node, a)
        tail = self.tail(node.output[0], a.q.ndim, None, False)
        s, sa, sb = tail.encoding.scale, a.encoding.scale, b.encoding.scale
        if node.op_type == "Mul":
            width = a.encoding.bits + b.encoding.bits + 3
            return self.finish(tail, requantise(a.centred() * b.centred(), sa * sb, width, tail))
        n = min(max(19 - math.floor(math.log2(max(sa, sb) / s)), 0), 40)
        ma, mb = int(rounded(sa / s * 2.0**n)), int(rounded(sb / s * 2.0**n))
        total = a.centred() * ma + b.centred() * (-mb if node.op_type == "Sub" else mb)
        return self.finish(tail, Tensor(clamp(tail.encoding.zero + shifted(total, n), *tail.bounds()), tail.encoding))

    def table(self, node, x):
        """A function of one number and what follows it of the kind."""
        chain, name = [node], node.output[0]
        while name not in self.graph.outputs and len(self.graph.users[name]) == 1 and self.graph.users[name][0].op_type in FUNCTIONS:
            chain += self.graph.users[name]
            name = chain[-1].output[0]
        tail = self.tail(name, x.q.ndim, None, False)
        tail.names[:0] = [link.output[0] for link in chain[:-1]]
        e = x.encoding
        step = max(e.bits - 12, 0)
        raw = (x.q >> step << step) + (((1 << step) - 1) / 2 if step else 0)
        value = ((raw - e.zero) * e.scale).astype("f4")
        with np.errstate(all="ignore"):
            for link in chain:
                value = FUNCTIONS[link.op_type](value, self.graph.attributes(link)).astype("f4")
        self.finish(tail, Tensor(clamp(tail.encoding.quantise(value), *tail.bounds()), tail.encoding))

    def max_pool(self, node, x):
        a = self.graph.attributes(node)
        kernel = a.get("kernel_shape", x.q.shape[2:])
        spatial = len(kernel)
        patches = windows(x.q, kernel, a, np.iinfo("i8").min)
        pooled = patches.max(axis=tuple(range(2 + spatial, 2 + 2 * spatial)))
        result = Tensor(pooled, x.encoding)
        self.values[node.output[0]] = result

    def average_pool(self, node, x):
        a = self.graph.attributes(node)
        kernel = a.get("kernel_shape", x.q.shape[2:])
        spatial = len(kernel)
        over = tuple(range(2 + spatial, 2 + 2 * spatial))
        sums = windows(x.centred(), kernel, a, 0).sum(axis=over)
        counted = np.ones_like(x.q)
        counts = windows(counted, kernel, a, a.get("count_include_pad", 0), beyond=0).sum(axis=over)
        tail = self.tail(node.output[0], x.q.ndim, 1, False)
        width = x.encoding.bits + math.ceil(math.log2(math.prod(kernel))) + 3
        if self.is_fixed(node.input[0]):
            n = max(k for k in range(62) if rounded(2.0**k / counts.min()) < 1 << 17)
            sums, width, unit = sums * rounded(2.0**n / counts), width + 18, x.encoding.scale * 2.0**-n
        else:
            unit = x.encoding.scale / counts
        self.finish(tail, requantise(sums, unit, min(width, 60), tail))

    def softmax(self, node, x):
        tail = self.tail(node.output[0], x.q.ndim, 1, False)
        axes = axes_of(node, x.q.ndim, self.graph.opset)
        e, q = x.encoding, x.q
        d = q.max(axis=axes, keepdims=True) - q
        exponent = lambda k: rounded(2.0**20 * np.exp(-np.asarray(k, "f8") * e.scale))  # noqa: E731
        power = exponent(d) if e.bits <= 8 else exponent(d >> 8 << 8) * exponent(d & 255) >> 20
        m = int(rounded(2.0**8 / tail.encoding.scale))
        total = power.sum(axis=axes, keepdims=True)
        q = tail.encoding.zero + (power * m + (total << 7)) // (total << 8)
        self.finish(tail, Tensor(clamp(q, *tail.bounds()), tail.encoding))

    def concat(self, node, _):
        parts = [self.values[name] for name in node.input]
        same = all(p.encoding == parts[0].encoding for p in parts)
        tail = self.tail(node.output[0], parts[0].q.ndim, 1, False) if not same or self.is_quantised(node) else None
        axis = self.graph.attribute(node, "axis", 1)
        if tail is None:
            self.values[node.output[0]] = Tensor(np.concatenate([p.q for p in parts], axis), parts[0].encoding)
            return
        parts = [p if p.encoding == tail.encoding and (tail.lo, tail.hi) == (-math.inf, math.inf) else self.scaled(p, None, 0.0, tail)
                 for p in parts]
        self.finish(tail, Tensor(np.concatenate([p.q for p in parts], axis), tail.encoding))

    def is_quantised(self, node):
        users = self.graph.users[node.output[0]]
        return len(users) == 1 and users[0].op_type in ("QuantizeLinear", "Relu", "Clip") and node.output[0] not in self.graph.outputs


__all__ = ["Constant", "Encoding", "Reference", "Tensor"]

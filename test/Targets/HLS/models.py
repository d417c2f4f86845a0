"""Models for the tests of the HLS target: the digits model quantised by onnxruntime, and small seeded graphs of each kind of stage.

MODELS names all quantised ones: a function of a folder gives a Model."""
import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from locations import ROOT

DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
COLLECTION = ROOT.parent / "shared" / "models"


@dataclass
class Model:
    path: Path
    feed: object  # feed(random, frames) makes inputs of so many frames
    dims: dict = field(default_factory=dict)
    calibration: object = None  # inputs by name, of float models
    options: tuple = ()


# ---- the digits model ----

def digit_images():
    return (np.load(DIGITS.with_suffix(".npz"))["images"][:, None] / 16).astype("f4")


def digit_feed(random, frames):
    images = digit_images()
    return {"image": images[random.choice(len(images), frames, replace=frames > len(images))]}


def digits(folder):
    return Model(DIGITS, digit_feed, {"N": 1}, {"image": digit_images()[:64]})


def quantised(path, result, name, arrays, fmt="QDQ", activation="QInt8", **options):
    """The model at `path` after onnxruntime's static quantisation."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Frames(CalibrationDataReader):
        left = iter([{name: a[None]} for a in arrays])

        def get_next(self):
            return next(self.left, None)

    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_static(str(path), str(result), Frames(), quant_format=QuantFormat[fmt], activation_type=QuantType[activation],
                        weight_type=QuantType.QInt8, **options)
    logging.disable(logging.NOTSET)
    return result


def quantised_digits(**options):
    def make(folder):
        return Model(quantised(DIGITS, folder / "digits.onnx", "image", digit_images()[:64], **options), digit_feed, {"N": 1})

    return make


# ---- the collection ----

def keyword_spotting(kind):
    def make(folder):
        def feed(random, frames):
            return {"serving_default_input:0": random.standard_normal((frames, 1960)).astype("f4")}

        return Model(COLLECTION / "audio" / f"kws_int8_{kind}.onnx", feed, {"unk__68": 1} if kind == "qdq" else {})

    return make


def smooth(random, frames, channels, size, low, high):
    """Images of smoothed noise that fill the range."""
    x = random.standard_normal((frames, channels, size + 4, size + 4))
    for axis in (2, 3):
        x = sum(np.roll(x, k, axis) for k in range(5))
    x = x[:, :, :size, :size]
    least, most = x.min((1, 2, 3), keepdims=True), x.max((1, 2, 3), keepdims=True)
    return ((x - least) / (most - least) * (high - low) + low).astype("f4")


def sounds(random, frames):
    """Inputs that leave the keyword model unsure, so that what its layers round reaches the output."""
    return {"serving_default_input:0": smooth(random, frames, 1, 52, 0, 5)[:, 0, :49, :40].reshape(frames, -1).copy()}


def mnist(folder):
    def feed(random, frames):  # strokes: bright where the smoothed noise is greatest
        x = smooth(random, frames, 1, 28, 0, 1)
        return {"Input3": (np.clip(x * 3 - 1.5, 0, 1) * 255).astype("f4")}

    return Model(COLLECTION / "vision" / "mnist_cntk.onnx", feed, {}, feed(np.random.default_rng(99), 200))


def cifar10(folder):
    def feed(random, frames):
        return {"modelInput": smooth(random, frames, 3, 32, -1, 1)}

    return Model(COLLECTION / "vision" / "cifar10_cnn_dynbatch.onnx", feed, {"batch_size": 1}, feed(np.random.default_rng(99), 64))


# ---- seeded graphs ----

class Maker:
    """A graph under construction; every method appends and gives the name of what it makes. Without a type of activations it is
    one of floats."""

    def __init__(self, seed, activation="i1"):
        self.random, self.nodes, self.weights, self.count = np.random.default_rng(seed), [], [], 0
        self.activation, self.ins, self.outs, self.scales = activation and np.dtype(activation), [], [], {}

    def fresh(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def constant(self, array, name=None):
        name = name or self.fresh("c")
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, operands, **attributes):
        name = self.fresh(op.lower())
        self.nodes.append(helper.make_node(op, operands, [name], name=name, **attributes))
        return name

    def input(self, shape):
        name = f"x{len(self.ins)}"
        self.ins.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, name):
        last = f"y{len(self.outs)}"
        self.nodes.append(helper.make_node("Identity", [name], [last], name=last))
        self.outs.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, None))
        return last

    def quantise(self, x, low, high):
        """QuantizeLinear and DequantizeLinear of [low, high]."""
        if self.activation is None:
            return x
        limits = np.iinfo(self.activation)
        scale = np.float32((high - low) / (int(limits.max) - int(limits.min)))
        zero = np.clip(np.rint(limits.min - low / scale), limits.min, limits.max).astype(self.activation)
        names = [self.constant(scale), self.constant(zero)]
        made = self.node("DequantizeLinear", [self.node("QuantizeLinear", [x, *names]), *names])
        self.scales[made] = scale
        return made

    def weight(self, shape, per_channel=None, spread=None):
        """int8 weights with a scale (per channel along an axis)."""
        spread = spread or 1.5 / np.sqrt(np.prod(shape[1:]))
        values = self.random.standard_normal(shape) * spread
        if self.activation is None:
            return self.constant(values.astype("f4"))
        if per_channel is None:
            scale = np.float32(np.abs(values).max() / 127)
            q, extra = np.rint(values / scale), {}
        else:
            other = tuple(d for d in range(len(shape)) if d != per_channel)
            scale = (np.abs(values).max(other) / 127).astype("f4")
            q, extra = np.rint(values / np.expand_dims(scale, other)), {"axis": per_channel}
        zero = np.zeros(scale.shape, "i1")
        made = self.node("DequantizeLinear", [self.constant(q.astype("i1")), self.constant(scale), self.constant(zero)], **extra)
        self.scales[made] = scale
        return made

    def bias(self, count, x, weight):
        """int32 in units of the products."""
        if self.activation is None:
            return self.constant((self.random.standard_normal(count) * 0.3).astype("f4"))
        scale = np.float32(self.scales[x]) * self.scales[weight]
        q = np.rint(self.random.standard_normal(count) * 0.3 / scale).astype("i4")
        extra = {"axis": 0} if scale.shape else {}
        return self.node("DequantizeLinear", [self.constant(q), self.constant(scale)], **extra)

    def conv(self, x, shape, per_channel=None, bias=True, **attributes):
        operands = [x, self.weight(shape, per_channel)]
        if bias:
            operands.append(self.bias(shape[0], *operands))
        return self.node("Conv", operands, kernel_shape=shape[2:], **attributes)

    def model(self, opset=17):
        graph = helper.make_graph(self.nodes, "seeded", self.ins, self.outs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def seeded(build, activation="i1"):
    """A function of a folder that saves what build(maker) makes; inputs are in [-2, 2]."""

    def make(folder):
        maker = Maker(sum(map(ord, build.__name__)), activation)
        build(maker)
        model = onnx.shape_inference.infer_shapes(maker.model())
        path = folder / f"{build.__name__}.onnx"
        onnx.save(model, path)
        shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in maker.ins}

        def feed(random, frames):
            return {n: random.uniform(-2, 2, (s[0] * frames, *s[1:])).astype("f4") for n, s in shapes.items()}

        return Model(path, feed, {}, feed(np.random.default_rng(99), 64) if activation is None else None)

    return make


def residual(m):
    """Conv 3x3, its input added."""
    x = m.quantise(m.input([1, 8, 10, 12]), -2, 2)
    y = m.quantise(m.conv(x, [8, 8, 3, 3], per_channel=0, pads=[1, 1, 1, 1]), -4, 4)
    m.output(m.quantise(m.node("Relu", [m.node("Add", [y, x])]), -4, 4))


def separable(m):
    """Depthwise with stride 2, pointwise, global average, Gemm, Softmax."""
    x = m.quantise(m.input([1, 6, 12, 12]), -2, 2)
    y = m.conv(x, [6, 1, 3, 3], per_channel=0, pads=[1, 1, 1, 1], strides=[2, 2], group=6)
    y = m.quantise(m.node("Clip", [y, m.constant(np.float32(0)), m.constant(np.float32(6))]), 0, 4)
    y = m.quantise(m.node("Relu", [m.conv(y, [10, 6, 1, 1])]), 0, 4)
    y = m.quantise(m.node("GlobalAveragePool", [y]), 0, 2)
    y = m.node("Flatten", [y])
    y = m.node("Gemm", [y, m.weight([5, 10], per_channel=0), m.constant(m.random.standard_normal(5).astype("f4"))], transB=1, alpha=0.5)
    m.output(m.quantise(m.node("Softmax", [m.quantise(y, -4, 4)], axis=-1), 0, 1))


def branches(m):
    """Two convolutions side by side, concatenated: encodings of their own and 6 and 10 channels."""
    x = m.quantise(m.input([1, 4, 9, 7]), -2, 2)
    a = m.quantise(m.node("Relu", [m.conv(x, [6, 4, 1, 1])]), 0, 3)
    b = m.quantise(m.conv(x, [10, 4, 3, 3], pads=[1, 1, 1, 1]), -4, 4)
    m.output(m.quantise(m.node("Concat", [a, b], axis=1), -3, 4))


def functions(m):
    """Tables: Sigmoid, a chain, HardSwish by itself and as x * HardSigmoid(x), LeakyRelu."""
    x = m.quantise(m.input([1, 3, 6, 6]), -2, 2)
    a = m.quantise(m.node("Sigmoid", [x]), 0, 1)
    b = m.quantise(m.node("Tanh", [m.node("Sigmoid", [a])]), 0, 1)
    c = m.quantise(m.node("Mul", [x, m.quantise(m.node("HardSigmoid", [x], alpha=1 / 6, beta=0.5), 0, 1)]), -0.5, 2)
    d = m.quantise(m.node("HardSwish", [x]), -0.4, 1.8)
    e = m.quantise(m.node("LeakyRelu", [d], alpha=0.1), -0.2, 1.8)
    for y in (b, c, e):
        m.output(y)


def max_pools(m):
    """Pads and ceil_mode."""
    x = m.quantise(m.input([1, 5, 11, 8]), -2, 2)
    m.output(m.quantise(m.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), -2, 2))
    m.output(m.quantise(m.node("MaxPool", [x], kernel_shape=[2, 3], strides=[2, 2], ceil_mode=1), -2, 2))


def average_pools(m):
    """Pads counted and not, and re-encoded by a pool."""
    x = m.quantise(m.input([1, 5, 9, 8]), -2, 2)
    for counted in (0, 1):
        y = m.node("AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=counted)
        m.output(m.quantise(y, -1, 1.5))


def line(m):
    """1-d: dilated convolution, pool, Gemm."""
    x = m.quantise(m.input([1, 4, 40]), -2, 2)
    y = m.quantise(m.node("Relu", [m.conv(x, [6, 4, 5], dilations=[2], pads=[4, 4])]), 0, 4)
    y = m.quantise(m.node("MaxPool", [y], kernel_shape=[2], strides=[2]), 0, 4)
    m.output(m.quantise(m.conv(y, [3, 6, 3], strides=[3]), -4, 4))


def dilated(m):
    """SAME_UPPER with strides; dilations, BatchNormalization and Relu behind the convolution."""
    x = m.quantise(m.input([1, 3, 12, 11]), -2, 2)
    x = m.quantise(m.conv(x, [5, 3, 3, 3], strides=[2, 1], auto_pad="SAME_UPPER"), -4, 4)
    y = m.conv(x, [8, 5, 3, 3], bias=False, dilations=[2, 2], pads=[1, 2, 1, 2])
    statistics = [m.random.standard_normal(8) + 0.2, m.random.standard_normal(8), m.random.standard_normal(8), m.random.random(8) + 0.5]
    y = m.node("BatchNormalization", [y] + [m.constant(s.astype("f4")) for s in statistics])
    m.output(m.quantise(m.node("Relu", [y]), 0, 9))


def two_by_two(m):
    """Two inputs and outputs: sum, difference and product of tensors with encodings of their own."""
    a, b = m.quantise(m.input([1, 4, 5, 6]), -2, 2), m.quantise(m.input([1, 4, 5, 6]), -1.5, 2.2)
    both = m.quantise(m.node("Add", [a, b]), -3, 3.5)
    m.output(m.quantise(m.node("Sub", [both, b]), -3, 3.7))
    m.output(m.quantise(m.node("Mul", [both, a]), -7, 7))


def thrice(m):
    """A tensor that three operators read."""
    x = m.quantise(m.input([1, 4, 8, 8]), -2, 2)
    y = m.quantise(m.conv(x, [4, 4, 3, 3], pads=[1, 1, 1, 1]), -3, 3)
    a = m.quantise(m.conv(y, [4, 4, 1, 1]), -3, 3)
    b = m.quantise(m.node("MaxPool", [y], kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1]), -3, 3)
    m.output(m.quantise(m.node("Add", [m.quantise(m.node("Add", [a, b]), -5, 5), y]), -6, 6))


def arithmetic(m):
    """Constants per channel, per element and for all, behind something else than a product."""
    x = m.quantise(m.input([1, 4, 5, 5]), -2, 2)
    a = m.quantise(m.node("Mul", [x, m.constant(m.random.standard_normal((4, 1, 1)).astype("f4"))]), -4, 4)
    b = m.quantise(m.node("Relu", [m.node("Add", [a, m.constant(m.random.standard_normal((1, 4, 5, 5)).astype("f4"))])]), 0, 5)
    c = m.quantise(m.node("Sub", [m.constant(np.float32(1.5)), b]), -4, 1.5)
    m.output(m.quantise(m.node("Div", [c, m.constant(np.float32(0.7))]), -5, 3))


def moved(m):
    """Reshape, Transpose and MatMul between other stages; a change of encoding alone."""
    x = m.quantise(m.input([1, 4, 6, 3]), -2, 2)
    y = m.quantise(m.node("Transpose", [x], perm=[0, 2, 3, 1]), -1.7, 1.9)
    y = m.node("Reshape", [y, m.constant(np.array([1, 18, 4], "i8"))])
    y = m.quantise(m.node("MatMul", [y, m.weight([4, 7], per_channel=1, spread=0.5)]), -3, 3)
    m.output(m.quantise(m.node("Softmax", [m.node("Transpose", [y], perm=[0, 2, 1])], axis=1), 0, 0.7))


def turned(m):
    """A transposed input whose rows a MatMul reads."""
    x = m.node("Transpose", [m.quantise(m.input([1, 4, 5]), -2, 2)], perm=[0, 2, 1])
    m.output(m.quantise(m.node("MatMul", [x, m.weight([4, 7])]), -3, 3))


SEEDED = (residual, separable, branches, functions, max_pools, average_pools, line, dilated, two_by_two, thrice, arithmetic, moved, turned)
UNSIGNED = (residual, separable, branches, average_pools, functions)

# The digits model by QLinear operators of com.microsoft alone needs QGemm and QLinearSoftmax.
MODELS = {
    "digits_int8": quantised_digits(), "digits_per_channel": quantised_digits(per_channel=True),
    "digits_uint8": quantised_digits(activation="QUInt8"), "digits_qoperator": quantised_digits(fmt="QOperator"),
    "kws_qdq": keyword_spotting("qdq"), "kws_qoperator": keyword_spotting("qoperator"),
    **{build.__name__: seeded(build) for build in SEEDED},
    **{build.__name__ + "_uint8": seeded(build, "u1") for build in UNSIGNED},
}
FLOATS = {"digits": digits, "mnist_cntk": mnist, "cifar10": cifar10, **{f"{build.__name__}_float": seeded(build, None) for build in SEEDED}}
OF_COLLECTION = {"kws_qdq", "kws_qoperator", "mnist_cntk", "cifar10"}

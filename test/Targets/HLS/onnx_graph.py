"""ONNX for reference.py: constants folded, QLinear operators taken apart, attributes, windows, and ranges by onnxruntime."""
import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QLINEAR = {"QLinearAdd": "Add", "QLinearMul": "Mul", "QLinearAveragePool": "AveragePool", "QLinearGlobalAveragePool": "GlobalAveragePool",
           "QLinearSoftmax": "Softmax", "QLinearConcat": "Concat", "QLinearSigmoid": "Sigmoid", "QLinearLeakyRelu": "LeakyRelu",
           "QLinearConv": "Conv", "QLinearMatMul": "MatMul", "QGemm": "Gemm"}


@dataclass
class Constant:
    """`quantised`: (integers without zero point, scales, axis of the scales) of what DequantizeLinear gave."""
    values: np.ndarray
    quantised: tuple = None


class Parts:
    """Nodes of a QLinear operator: DequantizeLinear of what it reads, the float operator, QuantizeLinear."""

    def __init__(self, node):
        self.node, self.nodes = node, []

    def dequantized(self, name, scale, zero, axis=None):
        out = f"{self.node.output[0]}/{name}"
        attributes = {} if axis is None else {"axis": axis}
        self.nodes.append(helper.make_node("DequantizeLinear", [name, scale] + ([zero] if zero else []), [out], **attributes))
        return out

    def expand(self, constants):
        kind, i = QLINEAR[self.node.op_type], [name for name in self.node.input]
        attributes = {a.name: helper.get_attribute_value(a) for a in self.node.attribute}
        attributes.pop("opset", None)
        if kind == "Concat":
            scale, zero, operands = i[0], i[1], [self.dequantized(*i[k:k + 3]) for k in range(2, len(i), 3)]
        elif kind in ("Conv", "MatMul", "Gemm"):
            axis = {"Conv": 0, "MatMul": 1, "Gemm": 0 if attributes.get("transB", 0) else 1}[kind]
            operands = [self.dequantized(*i[:3]), self.dequantized(*i[3:6], axis=axis if constants[i[4]].values.size > 1 else None)]
            scale, zero, bias = (i[7], i[8], i[6]) if kind == "Gemm" else (i[6], i[7], i[8] if len(i) > 8 else "")
            if bias:
                product = f"{bias}/scale/{self.node.output[0]}"
                constants[product] = Constant(constants[i[1]].values * constants[i[4]].values)
                operands.append(self.dequantized(bias, product, "", axis=0 if constants[product].values.size > 1 else None))
        elif kind in ("Add", "Mul"):
            operands, scale, zero = [self.dequantized(*i[:3]), self.dequantized(*i[3:6])], i[6], i[7]
        else:
            operands, scale, zero = [self.dequantized(*i[:3])], i[3], i[4]
        inner = f"{self.node.output[0]}/float"
        if attributes.pop("channels_last", 0):
            raise NotImplementedError("channels_last")
        self.nodes.append(helper.make_node(kind, operands, [inner], **attributes))
        self.nodes.append(helper.make_node("QuantizeLinear", [inner, scale] + ([zero] if zero else []), [self.node.output[0]]))
        return self.nodes


class Graph:
    """Nodes that are left for stages, in order, and what they refer to."""

    def __init__(self, model, dims):
        self.model = onnx.ModelProto()
        self.model.CopyFrom(model)
        graph = self.model.graph
        self.opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        self.constants = {t.name: Constant(numpy_helper.to_array(t)) for t in graph.initializer}
        shape = lambda v: [d.dim_value or dims.get(d.dim_param, 1) for d in v.type.tensor_type.shape.dim]  # noqa: E731
        kind = lambda v: helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type)  # noqa: E731
        self.inputs = {v.name: (shape(v), kind(v)) for v in graph.input if v.name not in self.constants}
        self.outputs = {v.name: kind(v) for v in graph.output}
        self.nodes = []
        for node in graph.node:
            expanded = Parts(node).expand(self.constants) if node.op_type in QLINEAR else [node]
            self.nodes += [n for n in expanded if not self.fold(n)]
        self.users, self.makers = defaultdict(list), {n.output[0]: n for n in self.nodes}
        for node in self.nodes:
            for name in node.input:
                self.users[name].append(node)

    def fold(self, node):
        """Constants of constants."""
        attributes = self.attributes(node)
        if node.op_type == "Constant":
            value = next(iter(attributes.values()))
            self.constants[node.output[0]] = Constant(numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value))
            return True
        if not node.input or not all(name in self.constants for name in node.input if name):
            return False
        x = self.constants[node.input[0]]
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            scale, zero, dtype = self.quantisation(node)
            axis, rank = attributes.get("axis", 1), x.values.ndim
            along = [-1 if d == axis % max(rank, 1) else 1 for d in range(rank)]
            spread = lambda v: v.reshape(along if v.size > 1 else ())  # noqa: E731
            if node.op_type == "QuantizeLinear":
                q = np.rint(x.values / spread(scale)) + spread(zero)
                self.constants[node.output[0]] = Constant(np.clip(q, np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype))
            else:
                whole = x.values.astype("i8") - spread(zero.astype("i8"))
                self.constants[node.output[0]] = Constant(whole.astype("f4") * spread(scale), (whole, scale.astype("f8").reshape(-1), axis))
        else:
            moved = movement(node, x.values, self.constants)
            if node.op_type in ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity") and x.quantised and x.quantised[1].size == 1:
                self.constants[node.output[0]] = Constant(moved, (movement(node, x.quantised[0], self.constants), x.quantised[1], 0))
            elif node.op_type == "Transpose" and x.quantised:
                perm = attributes.get("perm", list(range(x.values.ndim))[::-1])
                whole, scale, axis = x.quantised
                at = list(perm).index(axis % len(perm)) if scale.size > 1 else 0
                self.constants[node.output[0]] = Constant(moved, (whole.transpose(perm), scale, at))
            else:
                self.constants[node.output[0]] = Constant(moved)
        return True

    # ---- nodes ----

    def attributes(self, node):
        return {a.name: helper.get_attribute_value(a) for a in node.attribute}

    def attribute(self, node, name, default):
        return self.attributes(node).get(name, default)

    def quantisation(self, node):
        """(scale, zero point, element type) as arrays."""
        scale = self.constants[node.input[1]].values
        if len(node.input) > 2 and node.input[2]:
            zero = self.constants[node.input[2]].values
            return scale, zero, zero.dtype
        x = self.constants.get(node.input[0])
        dtype = x.values.dtype if x is not None and node.op_type == "DequantizeLinear" else np.dtype("u1")
        return scale, np.zeros(scale.shape, dtype), dtype

    def bounds(self, node):
        if node.op_type == "Relu":
            return 0.0, math.inf
        found = self.attributes(node)
        lo, hi = found.get("min", -math.inf), found.get("max", math.inf)
        if len(node.input) > 1 and node.input[1]:
            lo = float(self.constants[node.input[1]].values)
        if len(node.input) > 2 and node.input[2]:
            hi = float(self.constants[node.input[2]].values)
        return lo, hi

    def normalization(self, node):
        """(scale, bias) per channel of BatchNormalization."""
        gamma, beta, mean, variance = (self.constants[name].values.astype("f8") for name in node.input[1:5])
        scale = gamma / np.sqrt(variance + self.attribute(node, "epsilon", 1e-5))
        return scale, beta - mean * scale

    # ---- frames ----

    def frames(self, feeds):
        """One feed per frame."""
        first = next(iter(self.inputs))
        count = feeds[first].size // math.prod(self.inputs[first][0])
        for k in range(count):
            yield {name: feeds[name].reshape(count, *self.inputs[name][0])[k] for name in self.inputs}

    def ranges(self, calibration):
        """{float tensor: (lowest, greatest)} over the frames, by onnxruntime without optimisations."""
        import onnxruntime
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        named = {v.name for v in model.graph.output}
        extra = [o for n in model.graph.node if n.op_type not in QLINEAR for o in n.output if o and o not in named]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in extra)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        outputs, found = [o.name for o in session.get_outputs()], {}
        for feed in self.frames(calibration):
            for name, value in [*zip(outputs, session.run(None, feed)), *feed.items()]:
                if value.dtype.kind == "f" and value.size:
                    lo, hi = found.get(name, (math.inf, -math.inf))
                    found[name] = min(lo, float(value.min())), max(hi, float(value.max()))
        return found


# ---- movement and windows ----

def movement(node, x, constants):
    """The operators that only move numbers."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    given = [constants[name].values.tolist() if name else None for name in node.input[1:]] if node.op_type != "Dropout" else []
    if node.op_type == "Reshape":
        shape = given[0] if given else attributes["shape"]
        return x.reshape([x.shape[d] if size == 0 and not attributes.get("allowzero") else size for d, size in enumerate(shape)])
    if node.op_type == "Flatten":
        axis = attributes.get("axis", 1) % (x.ndim + 1) if attributes.get("axis", 1) < 0 else attributes.get("axis", 1)
        return x.reshape(math.prod(x.shape[:axis]), -1)
    if node.op_type == "Transpose":
        return x.transpose(attributes.get("perm"))
    if node.op_type in ("Squeeze", "Unsqueeze"):
        axes = given[0] if given else attributes.get("axes")
        if node.op_type == "Unsqueeze":
            return np.expand_dims(x, tuple(axes))
        return x.squeeze(None if axes is None else tuple(axes))
    if node.op_type in ("Identity", "Dropout"):
        return x
    raise NotImplementedError(f"{node.op_type} of constants")


def axes_of(node, rank, opset):
    """The axes that Softmax sums over."""
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1 if opset < 13 else -1) % rank
    return (axis,) if opset >= 13 else tuple(range(axis, rank))


def paddings(size, kernel, a):
    """[(before, after, outputs)] per spatial dim."""
    count = len(kernel)
    strides, dilations = a.get("strides", [1] * count), a.get("dilations", [1] * count)
    pads, auto = a.get("pads", [0] * 2 * count), a.get("auto_pad", b"NOTSET").decode()
    found = []
    for d in range(count):
        reach = (kernel[d] - 1) * dilations[d] + 1
        before, after = pads[d], pads[count + d]
        if auto == "VALID":
            before = after = 0
        elif auto.startswith("SAME"):
            total = max((math.ceil(size[d] / strides[d]) - 1) * strides[d] + reach - size[d], 0)
            before = total // 2 if auto == "SAME_UPPER" else total - total // 2
            after = total - before
        free = size[d] + before + after - reach
        outputs = free // strides[d] + 1
        if a.get("ceil_mode", 0):
            outputs = -(-free // strides[d]) + 1
            if (outputs - 1) * strides[d] >= size[d] + before:  # a window must start inside
                outputs -= 1
        found.append((before, after, outputs, strides[d], dilations[d], reach))
    return found


def windows(x, kernel, a, padding, beyond=None):
    """[N, C, *outputs, *kernel]; what ceil_mode reaches behind the pads is `beyond`."""
    kernel = list(kernel)
    dims = paddings(x.shape[2:], kernel, a)
    keep = [(0, 0), (0, 0)]
    padded = np.pad(x, keep + [(d[0], d[1]) for d in dims], constant_values=padding)
    more = [max((d[2] - 1) * d[3] + d[5] - padded.shape[2 + i], 0) for i, d in enumerate(dims)]
    padded = np.pad(padded, keep + [(0, m) for m in more], constant_values=padding if beyond is None else beyond)
    axes = tuple(range(2, 2 + len(kernel)))
    view = np.lib.stride_tricks.sliding_window_view(padded, [d[5] for d in dims], axis=axes)
    at = (slice(None), slice(None), *(slice(0, (d[2] - 1) * d[3] + 1, d[3]) for d in dims), *(slice(None, None, d[4]) for d in dims))
    return view[at]

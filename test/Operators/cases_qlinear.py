"""Operators of com.microsoft on quantised tensors.

The oracle is onnxruntime, which has no kernel for QLinearReduceMean and takes an absent zero point only at the end. It rounds some
results in another order (the zero point before rounding, or a scale of 1 / y_scale), so those may be one quantum off.
"""
from case import Case, Const, ints, np

TYPES = {np.uint8: (0, 256), np.int8: (-128, 128)}


def case(op, inputs, attrs=None, **options):
    return Case(op, inputs, attrs or {}, domain="com.microsoft", oracle="ort", **options)


def scale(value):
    return Const(np.float32(value))


def zero(dtype, value):
    """A zero point, told as one of int8."""
    return Const(dtype(value + (128 if dtype == np.uint8 else 0)))


def data(dtype, *shape, seed=0):
    low, high = TYPES[dtype]
    return ints(*shape, low=low, high=high, dtype=dtype, seed=seed)


def without(given, *operands):
    """The case with these zero points, which are 0, absent."""
    assert not any(given.inputs[i].value for i in operands)
    inputs = [None if i in operands else a for i, a in enumerate(given.inputs)]
    return case(given.op, inputs, given.attrs, expect=lambda *_: given.expected()[0], quanta=given.quanta, keep=given.keep, name="no zero points")


def unary(dtype, x, x_scale, x_zero, y_scale, y_zero):
    return [x, scale(x_scale), zero(dtype, x_zero), scale(y_scale), zero(dtype, y_zero)]


CASES = []
for dtype in TYPES:
    name = dtype.__name__
    A, B, ROW = data(dtype, 4, 6, 10), data(dtype, 4, 6, 10, seed=1), data(dtype, 6, 1, seed=2)
    for op, out, quanta in (("QLinearAdd", 0.11, 0), ("QLinearMul", 0.37, 1)):
        CASES += [
            case(op, [A, scale(0.05), zero(dtype, 3), B, scale(0.07), zero(dtype, -20), scale(out), zero(dtype, 11)], quanta=quanta, name=name),
            case(op, [A, scale(0.05), zero(dtype, 3), ROW, scale(0.07), zero(dtype, -20), scale(out), zero(dtype, 11)], quanta=quanta, name=f"{name} broadcast"),
            case(op, [A, scale(0.05), zero(dtype, 3), Const(ROW), scale(0.07), zero(dtype, -20), scale(0.01), zero(dtype, 0)], quanta=quanta, name=f"{name} saturates"),
            case(op, [A, scale(0.05), zero(dtype, 3), B, scale(0.07), zero(dtype, -20), scale(out)], quanta=quanta, name=f"{name} no zero point of C"),
        ]
    CASES += [
        case("QLinearSigmoid", unary(dtype, A, 0.04, 5, 1 / 256, -128), name=name),
        case("QLinearLeakyRelu", unary(dtype, A, 0.04, 5, 0.03, -7), {"alpha": 0.2}, name=name),
        case("QLinearLeakyRelu", unary(dtype, A, 0.04, -100, 0.05, 1), name=f"{name} default alpha"),
    ]

    # Softmax: a probability of 1 would wrap around in onnxruntime's int8.
    for opset, axis in ((13, None), (15, 1), (22, -1), (12, None), (12, 1), (11, 2), (9, -3), (12, 0), (12, -1)):
        attrs = {"opset": opset, **({} if axis is None else {"axis": axis})}
        CASES.append(case("QLinearSoftmax", unary(dtype, A, 0.06, 4, 1 / 255, -128), attrs, quanta=1, name=f"{name} {attrs}"))
    CASES.append(case("QLinearSoftmax", unary(dtype, data(dtype, 3, 10), 0.02, 4, 0.003, -100), {"opset": 11}, quanta=1, name=f"{name} matrix"))

    IMAGE = data(dtype, 2, 3, 13, 14)
    for attrs in (
        {"kernel_shape": [2, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 2], "strides": [1, 3], "pads": [1, 0, 2, 1]},
        {"kernel_shape": [3, 2], "strides": [1, 3], "pads": [1, 0, 2, 1], "count_include_pad": 1, "channels_last": 0},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
        {"kernel_shape": [4, 5], "strides": [3, 2], "ceil_mode": 1},
        {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"kernel_shape": [3, 3], "auto_pad": "SAME_LOWER", "strides": [2, 2], "count_include_pad": 1, "ceil_mode": 1},
        {"kernel_shape": [3, 4], "auto_pad": "VALID", "strides": [2, 3], "ceil_mode": 1, "count_include_pad": 1},
        {"kernel_shape": [4, 5], "strides": [3, 2], "pads": [1, 2, 1, 3], "ceil_mode": 1, "count_include_pad": 1},
        {"kernel_shape": [4, 4], "strides": [3, 3], "ceil_mode": 1, "count_include_pad": 1},
    ):
        CASES.append(case("QLinearAveragePool", unary(dtype, IMAGE, 0.05, 9, 0.04, -6), attrs, quanta=1, name=f"{name} {attrs}"))
    # Windows that start behind the input are dropped: which there are depends on the size.
    for size in (6, 7, 8, 9):
        attrs = {"kernel_shape": [2], "strides": [3], "pads": [0, 1], "ceil_mode": 1, "count_include_pad": 1}
        CASES.append(case("QLinearAveragePool", unary(dtype, data(dtype, 1, 3, size), 0.05, 9, 0.04, -6), attrs, quanta=1, dynamic=False, name=f"{name} drops {size}"))
    CASES += [
        case("QLinearAveragePool", unary(dtype, data(dtype, 2, 3, 17), 0.05, 9, 0.04, -6), {"kernel_shape": [4], "strides": [3]}, quanta=1, name=f"{name} 1-d"),
        case("QLinearAveragePool", unary(dtype, data(dtype, 1, 2, 5, 6, 7), 0.05, 9, 0.04, -6), {"kernel_shape": [2, 3, 2]}, quanta=1, name=f"{name} 3-d"),
        case("QLinearGlobalAveragePool", unary(dtype, IMAGE, 0.05, 9, 0.02, -6), quanta=1, name=name),
        case("QLinearGlobalAveragePool", unary(dtype, data(dtype, 2, 3, 9), 0.05, 9, 0.02, -6), {"channels_last": 0}, quanta=1, name=f"{name} 1-d"),
    ]

    for attrs in ({"axes": [1], "keepdims": 0}, {"axes": [-1, 0], "keepdims": 1}, {}):
        def mean(x, x_scale, x_zero, y_scale, y_zero, attrs=attrs):
            real = (x.astype(np.float64) - x_zero.astype(np.float64)) * x_scale
            real = real.mean(axis=tuple(attrs.get("axes", [])) or None, keepdims=bool(attrs.get("keepdims", 1)))
            low, high = TYPES[x.dtype.type]
            return np.clip(np.rint(real / y_scale) + y_zero, low, high - 1).astype(x.dtype)
        CASES.append(case("QLinearReduceMean", unary(dtype, A, 0.05, 9, 0.01, -6), attrs, expect=mean, quanta=1, name=f"{name} {attrs}"))

    PARTS = [data(dtype, 2, 3, 4), scale(0.05), zero(dtype, 3), data(dtype, 2, 5, 4), scale(0.02), zero(dtype, -20), Const(data(dtype, 2, 1, 4)), scale(0.11), zero(dtype, 0)]
    CASES += [
        case("QLinearConcat", [scale(0.06), zero(dtype, 11), *PARTS], {"axis": 1}, keep=(3, 5), name=name),
        case("QLinearConcat", [scale(0.06), zero(dtype, 11), *PARTS[:3], *PARTS[:3]], {"axis": -1}, name=f"{name} last axis"),
        case("QLinearConcat", [scale(0.05), zero(dtype, 3), *PARTS[:3]], {"axis": 0}, name=f"{name} one input"),
    ]

    # QGemm. Weights keep to 7 bits: without VNNI onnxruntime adds pairs of products in saturating 16 bits.
    for weights in dict.fromkeys((np.int8, dtype)):
        X, W = data(dtype, 5, 30), Const(ints(30, 7, low=-64 if weights == np.int8 else 96, high=64 if weights == np.int8 else 160, dtype=weights, seed=1))
        COLUMNS, ZEROS = Const(np.linspace(0.01, 0.03, 7, dtype=np.float32)), Const(np.full(7, 0 if weights == np.int8 else 128, weights))
        a, b, columns = [X, scale(0.05), zero(dtype, 3)], [W, scale(0.02), zero(weights, 0)], [W, COLUMNS, ZEROS]
        bias, y = Const(ints(7, low=-9999, high=9999, dtype=np.int32)), [scale(0.4), zero(dtype, 7)]
        kind = f"{name} {weights.__name__}"
        CASES += [
            case("QGemm", [*a, *b, bias], name=f"{kind} to float"), case("QGemm", [*a, *b, bias, *y], quanta=1, name=kind),
            case("QGemm", [*a, *columns, bias, *y], {"alpha": 0.5}, quanta=1, name=f"{kind} per column"), case("QGemm", [*a, *columns, bias], {"alpha": 2.0}, name=f"{kind} per column to float"),
            case("QGemm", [*a, *columns, Const(ints(5, 1, low=-9999, high=9999, dtype=np.int32))], keep=(5,), name=f"{kind} C per row"),
            case("QGemm", [*a, *columns, Const(np.int32(700))], name=f"{kind} C is one number"), case("QGemm", [*a, *columns, ints(5, 7, low=-9999, high=9999, dtype=np.int32)], keep=(7,), name=f"{kind} C of full size"),
            case("QGemm", [*a, *b, None, *y], quanta=1, name=f"{kind} without C"), case("QGemm", [*a, *b], name=f"{kind} without C to float"),
            case("QGemm", [X.T.copy(), *a[1:], Const(W.value.T.copy()), COLUMNS, ZEROS, bias], {"transA": 1, "transB": 1}, keep=(30,), name=f"{kind} transposed"),
            case("QGemm", [*a, W.value, *b[1:], bias, *y], keep=(7,), quanta=1, name=f"{kind} B at run time"),
        ]

X = data(np.int8, 4, 6)
CASES += [
    without(case("QLinearAdd", [X, scale(0.05), Const(np.int8(0)), X, scale(0.07), Const(np.int8(0)), scale(0.11), Const(np.int8(0))]), 2, 5, 7),
    without(case("QLinearSigmoid", [X, scale(0.05), Const(np.int8(0)), scale(0.01), Const(np.int8(0))]), 2, 4),
    without(case("QLinearSoftmax", [X, scale(0.05), Const(np.int8(0)), scale(0.01), Const(np.int8(0))], {"opset": 13}, quanta=1), 2, 4),
    without(case("QLinearAveragePool", [data(np.int8, 1, 3, 8), scale(0.05), Const(np.int8(0)), scale(0.04), Const(np.int8(0))], {"kernel_shape": [3]}, quanta=1), 2, 4),
    without(case("QLinearConcat", [scale(0.06), Const(np.int8(0)), X, scale(0.05), Const(np.int8(0)), X, scale(0.07), Const(np.int8(2))], {"axis": 0}), 1, 4),
    without(case("QGemm", [X, scale(0.05), Const(np.int8(0)), Const(ints(6, 7, dtype=np.int8)), scale(0.02), Const(np.int8(0)), Const(ints(7, dtype=np.int32))]), 2, 5),
]

"""Quantised computation.

Products of uint8 and int8 are held to the onnx package: without VNNI onnxruntime adds pairs of them in saturating 16 bits.
"""
from case import Case, Const, TensorProto, f16, f32, ints, np

TYPES = {np.uint8: (0, 255), np.int8: (-128, 127), np.uint16: (0, 65535), np.int16: (-32768, 32767)}


def scale(*shape, seed=5):
    return Const(f32(*shape, seed=seed, low=0.02, high=0.1))


def zero(dtype, *shape, seed=6):
    low, high = TYPES[dtype]
    return Const(ints(*shape, low=max(low, -100), high=min(high, 200), dtype=dtype, seed=seed))


X = f32(4, 6, 10)
CASES = []
for dtype in TYPES:
    CASES += [
        Case("QuantizeLinear", [X, scale(), zero(dtype)]), Case("QuantizeLinear", [X * 1e4, scale(), zero(dtype)], name=f"saturates {dtype.__name__}"), Case("QuantizeLinear", [X, scale(6), zero(dtype, 6)], {"axis": 1}),
        Case("QuantizeLinear", [X, scale(10), zero(dtype, 10)], {"axis": -1}), Case("QuantizeLinear", [X, scale(4, 3, 10), zero(dtype, 4, 3, 10)], {"axis": 1, "block_size": 2}, oracle="onnx ort"),
        Case("DequantizeLinear", [zero(dtype, 4, 6, 10).value, scale(), zero(dtype)]), Case("DequantizeLinear", [zero(dtype, 4, 6, 10).value, scale(6), zero(dtype, 6)], {"axis": 1}),
        Case("DequantizeLinear", [zero(dtype, 4, 6, 10).value, scale(4, 6, 2), zero(dtype, 4, 6, 2)], {"axis": 2, "block_size": 5}, oracle="onnx ort"), Case("DequantizeLinear", [zero(dtype, 4, 6, 10).value, scale()]),
    ]
HALVES = (np.arange(-20, 20, dtype=np.float32) + 0.5).reshape(4, 10)
CASES += [
    Case("QuantizeLinear", [HALVES, Const(np.float32(1)), Const(np.int8(3))], name="ties to even"), Case("QuantizeLinear", [X, scale()], name="no zero point"), Case("QuantizeLinear", [X, scale()], {"output_dtype": TensorProto.INT8}, name="output_dtype", oracle="onnx ort"),
    Case("QuantizeLinear", [f16(4, 6), Const(np.float16(0.05)), Const(np.uint8(100))], oracle="onnx", name="divided in f16"), Case("DequantizeLinear", [ints(4, 6, dtype=np.int32, low=-9999, high=9999), scale()]), Case("DequantizeLinear", [ints(4, 6, dtype=np.int8), Const(np.float16(0.05))], oracle="onnx ort"),
    Case("QuantizeLinear", [X, scale(4, 2, 10), zero(np.uint8, 4, 2, 10)], {"axis": 1, "block_size": 4}, oracle="ort onnx", name="last block short"), Case("QuantizeLinear", [X, scale(1), zero(np.uint8, 1)], name="one element"),
    Case("DynamicQuantizeLinear", [X], outputs=3), Case("DynamicQuantizeLinear", [f32(30, low=1, high=2)], outputs=3), Case("DynamicQuantizeLinear", [f32(30, low=-2, high=-1)], outputs=3), Case("DynamicQuantizeLinear", [np.zeros(7, np.float32)], outputs=3, oracle="ort"),
]

def per_row(a, b, zero):
    return (a.astype(np.int32) - zero[:, None].astype(np.int32)) @ b.astype(np.int32)


def exact(case):
    """Never onnxruntime where it saturates."""
    if any(getattr(a, "value", a).dtype == np.int8 for a in case.inputs if a is not None and getattr(a, "value", a).ndim > 1):
        case.oracle = "onnx"
    return case


U8, S8 = ints(7, 40, low=0, high=255, dtype=np.uint8), ints(7, 40, low=-128, high=127, dtype=np.int8)
W8 = Const(ints(40, 9, low=-128, high=127, dtype=np.int8, seed=1))
WU8 = Const(ints(40, 9, low=0, high=255, dtype=np.uint8, seed=1))
CASES += [
    Case("MatMulInteger", [U8, W8]), Case("MatMulInteger", [U8, W8, Const(np.uint8(110))]), Case("MatMulInteger", [U8, WU8, Const(np.uint8(110)), Const(np.uint8(130))]), Case("MatMulInteger", [S8, W8, Const(np.int8(-3)), Const(np.int8(5))]),
    Case("MatMulInteger", [U8, W8, np.asarray(100, np.uint8)], name="zero point at run time"), Case("MatMulInteger", [U8, W8, Const(np.uint8(110)), zero(np.int8, 9)], name="zero point per column"),
    Case("MatMulInteger", [U8, W8, Const(ints(7, low=0, high=255, dtype=np.uint8))], name="zero point per row", expect=per_row), Case("MatMulInteger", [ints(2, 3, 7, 40, low=0, high=255, dtype=np.uint8), W8, Const(np.uint8(9))]),
    Case("MatMulInteger", [ints(2, 7, 40, low=0, high=255, dtype=np.uint8), ints(2, 40, 9, low=-128, high=127, dtype=np.int8), Const(np.uint8(9)), Const(np.int8(2))]),
]
CASES += [Case("QLinearMatMul", [U8, scale(), Const(np.uint8(110)), b, s, z, Const(np.float32(1.7)), Const(np.uint8(120))], atol=1, rtol=0, oracle="ort", name=f"{b.value.dtype} {s.value.shape}")
          for b, s, z in ((W8, scale(), Const(np.int8(3))), (WU8, scale(), Const(np.uint8(130))), (W8, scale(9), zero(np.int8, 9)))]
IMAGE = ints(2, 3, 9, 10, low=0, high=255, dtype=np.uint8)
K8, KU8 = Const(ints(4, 3, 3, 3, low=-128, high=127, dtype=np.int8, seed=1)), Const(ints(4, 3, 3, 3, low=0, high=255, dtype=np.uint8, seed=1))
PADDED = {"pads": [1, 1, 1, 1], "strides": [2, 1]}
CASES += [
    Case("ConvInteger", [IMAGE, KU8], keep=(3,)), Case("ConvInteger", [IMAGE, KU8, Const(np.uint8(110))], PADDED, keep=(3,)), Case("ConvInteger", [IMAGE, KU8, Const(np.uint8(110)), Const(np.uint8(128))], PADDED, keep=(3,)),
    Case("ConvInteger", [IMAGE, KU8, Const(np.uint8(110)), Const(np.uint8(7))], PADDED, keep=(3,)), Case("ConvInteger", [IMAGE, KU8, np.asarray(100, np.uint8)], PADDED, keep=(3,), name="zero point at run time"), Case("ConvInteger", [IMAGE, K8, Const(np.uint8(1))], PADDED, keep=(3,), oracle="ort onnx"),
]
BIAS = Const(ints(4, low=-5000, high=5000, dtype=np.int32))
CASES += [Case("QLinearConv", [IMAGE, scale(), Const(np.uint8(110)), w, s, z, Const(np.float32(2.1)), Const(np.uint8(120))] + bias, PADDED, keep=(3,), oracle="ort", name=f"{w.value.dtype} {s.value.shape} {len(bias)}")
          for w, s, z in ((K8, scale(), Const(np.int8(0))), (KU8, scale(), Const(np.uint8(128))), (K8, scale(4), Const(np.zeros(4, np.int8)))) for bias in ([], [BIAS])]
CASES += [Case("QLinearConv", [ints(2, 6, 9, 10, low=0, high=255, dtype=np.uint8), scale(), Const(np.uint8(110)), Const(ints(6, 1, 3, 3, low=-128, high=127, dtype=np.int8)), scale(6), Const(np.zeros(6, np.int8)), Const(np.float32(0.5)), Const(np.uint8(120))],
               {"group": 6}, keep=(6,), oracle="ort", name="depthwise")]

CASES = [exact(case) if case.op.startswith(("MatMul", "QLinear", "ConvInteger")) else case for case in CASES]

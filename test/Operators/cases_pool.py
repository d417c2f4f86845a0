"""Poolings over windows and over everything."""
from case import Case, f16, f32, f64, ints, np

X = f32(2, 3, 9, 10)
WINDOWS = [
    {"kernel_shape": [2, 2]}, {"kernel_shape": [3, 3], "strides": [2, 2]}, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 0, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1}, {"kernel_shape": [2, 2], "strides": [3, 3], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}, {"kernel_shape": [2, 4], "strides": [1, 1], "auto_pad": "SAME_LOWER"}, {"kernel_shape": [3, 3], "auto_pad": "VALID"},
    {"kernel_shape": [3, 3], "dilations": [2, 2]}, {"kernel_shape": [2, 3], "dilations": [3, 2], "pads": [1, 1, 1, 1], "strides": [2, 1]},
]
CASES = [Case(op, [X], w, keep=(3,), oracle="ort onnx") for op in ("MaxPool", "AveragePool", "LpPool") for w in WINDOWS]
CASES += [Case("AveragePool", [X], {**w, "count_include_pad": 1}, keep=(3,)) for w in WINDOWS]
CASES += [Case("LpPool", [X], {"kernel_shape": [3, 3], "p": p}, keep=(3,)) for p in (1, 3)]
CASES += [Case("MaxPool", [X], {**w, "storage_order": order}, outputs=2, keep=(3,)) for order in (0, 1) for w in (WINDOWS[0], WINDOWS[2], WINDOWS[10])]
CASES += [
    Case("MaxPool", [f32(2, 3, 30)], {"kernel_shape": [4], "strides": [3]}), Case("MaxPool", [f32(2, 3, 6, 7, 8)], {"kernel_shape": [2, 3, 2], "pads": [1] * 6}), Case("AveragePool", [f32(2, 3, 30)], {"kernel_shape": [4], "strides": [3], "pads": [1, 2]}),
    Case("AveragePool", [f32(2, 3, 6, 7, 8)], {"kernel_shape": [2, 3, 2], "pads": [1, 1, 1, 0, 1, 0]}), Case("MaxPool", [f32(2, 3, 30)], {"kernel_shape": [4], "strides": [3]}, outputs=2), Case("MaxPool", [f32(2, 3, 6, 7, 8)], {"kernel_shape": [2, 3, 2]}, outputs=2),
    Case("MaxPool", [ints(2, 3, 9, 10, dtype=np.int8)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}), Case("MaxPool", [ints(2, 3, 9, 10, dtype=np.uint8, low=0, high=255)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    Case("MaxPool", [f16(2, 3, 9, 10)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, oracle="onnx ort"), Case("AveragePool", [f16(2, 3, 9, 10)], {"kernel_shape": [3, 3]}, oracle="onnx"), Case("MaxPool", [f64(2, 3, 9, 10)], {"kernel_shape": [3, 3]}),
    Case("MaxPool", [-f32(2, 3, 9, 10, low=1, high=2)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, name="negative values, padded"), Case("MaxPool", [f32(1, 64, 20, 20)], {"kernel_shape": [5, 5], "pads": [2, 2, 2, 2]}),
]
SHAPES = ((2, 3, 9, 10), (2, 3, 30), (2, 3, 4, 5, 6), (1, 70, 7, 7), (2, 3, 1, 1))
CASES += [Case(op, [f32(*s)]) for op in ("GlobalAveragePool", "GlobalMaxPool") for s in SHAPES]
CASES += [Case("GlobalLpPool", [f32(*s)], {"p": p}, expect=lambda x, p=p: (np.abs(x) ** p).sum(tuple(range(2, x.ndim)), keepdims=True) ** (1 / np.float32(p)))
          for s in SHAPES[:2] for p in (1, 2, 3)]
CASES += [Case("GlobalAveragePool", [f16(2, 3, 9, 10)], oracle="onnx"), Case("GlobalMaxPool", [f16(2, 3, 9, 10)], oracle="onnx ort"), Case("GlobalAveragePool", [f64(2, 3, 9, 10)])]

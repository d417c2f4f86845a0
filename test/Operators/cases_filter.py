"""Operators whose results have as many elements as the data says."""
from case import Case, Const, bools, f16, f32, f64, ints, np

FEW = ints(4, 5, low=0, high=3)


def scalar(value, dtype):
    return np.asarray([value], dtype=dtype)


BOXES = f32(2, 12, 4, low=0, high=1)
SCORES = f32(2, 3, 12, low=0, high=1)

CASES = (
    [Case("NonZero", [x]) for x in (FEW, FEW.astype(np.float32), bools(3, 7), ints(2, 3, 4, low=0, high=2, dtype=np.int32), f32(7))]
    + [Case("NonZero", [np.zeros((3, 4), np.float32)], name="nothing"), Case("NonZero", [f32(0, 3)], dynamic=False, name="no elements"),
       Case("NonZero", [np.asarray(3, np.float32)], dynamic=False, name="a scalar", expect=np.zeros((0, 1), np.int64))]
    + [Case("Compress", [f32(4, 5), bools(n)], {"axis": a}) for a, n in ((0, 4), (1, 5), (-1, 3))]
    + [Case("Compress", [f32(4, 5), bools(20)]), Case("Compress", [FEW, Const(np.array([True, False, True, True]))], {"axis": 0}),
       Case("Compress", [f16(4, 5), np.zeros(4, bool)], {"axis": 0}, name="nothing")]
    + [Case("Unique", [x], {"sorted": s}, outputs=4) for x in (FEW, ints(9, low=0, high=4, dtype=np.int8), f64(7).round(0)) for s in (0, 1)]
    + [Case("Unique", [ints(6, 2, low=0, high=2).astype(np.float32)], {"axis": a, "sorted": 1}, outputs=4) for a in (0, 1, -1)]
    + [Case("Unique", [ints(9, low=0, high=4).astype(np.float16)], outputs=4, oracle="onnx")]
    + [Case("NonMaxSuppression", [BOXES, SCORES, scalar(n, np.int64), scalar(iou, np.float32), scalar(least, np.float32)],
            {"center_point_box": c}, keep=(1, 2, 3, 4, 12)) for n, iou, least, c in ((3, 0.3, 0.2, 0), (100, 0.5, 0.5, 1), (2, 0.0, 0.9, 0))]
    + [Case("NonMaxSuppression", [BOXES, SCORES, scalar(4, np.int64)], keep=(4,)), Case("NonMaxSuppression", [BOXES, SCORES], keep=(4,))]
)

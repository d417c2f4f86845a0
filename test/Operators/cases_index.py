"""Gathering and scattering."""
from case import Case, Const, bools, f16, f32, ints, np


def const(value, dtype=np.int64):
    return Const(np.asarray(value, dtype=dtype))


def distinct(shape, bound, axis, seed=0):
    """Indices without repetition along an axis, half of them negative."""
    rng = np.random.default_rng(seed)
    moved = [s for i, s in enumerate(shape) if i != axis]
    rows = np.stack([rng.permutation(bound)[:shape[axis]] for _ in range(int(np.prod(moved)))])
    rows = np.where(rng.integers(0, 2, rows.shape), rows, rows - bound)
    return np.moveaxis(rows.reshape(*moved, shape[axis]), -1, axis).astype(np.int64)


DATA = f32(5, 6, 7)
GATHERS = [
    Case("Gather", [DATA, ints(3, low=-5, high=5)]), Case("Gather", [DATA, ints(3, 2, low=-6, high=6)], {"axis": 1}),
    Case("Gather", [DATA, ints(4, low=0, high=7, dtype=np.int32)], {"axis": -1}), Case("Gather", [DATA, np.asarray(2)], {"axis": 1}, name="scalar index"),
    Case("Gather", [DATA, const(2)], {"axis": 0}), Case("Gather", [DATA, const(-1)], {"axis": 1}), Case("Gather", [DATA, const([3])], {"axis": 2}),
    Case("Gather", [DATA, const([0, 2, -1])], {"axis": 1}), Case("Gather", [Const(f32(50, 16)), ints(3, 4, low=0, high=50)]),
    Case("Gather", [ints(9), ints(2, 2, low=0, high=9)]), Case("Gather", [bools(5, 3), ints(2, low=0, high=5)]), Case("Gather", [f16(5, 3), ints(2, low=0, high=5)]),
    Case("Gather", [f32(5, 3), ints(0)], dynamic=False, name="no indices"),
    Case("GatherElements", [f32(3, 5), ints(2, 5, low=-3, high=3)], {"axis": 0}),
    Case("GatherElements", [f32(3, 5), ints(3, 4, low=-5, high=5)], {"axis": 1}),
    Case("GatherElements", [f32(2, 3, 5), ints(2, 3, 7, low=0, high=5, dtype=np.int32)], {"axis": -1}),
    Case("GatherND", [f32(3, 4, 5), ints(2, 1, low=-3, high=3)], keep=(1,)), Case("GatherND", [f32(3, 4, 5), ints(6, 2, low=-3, high=3)], keep=(2,)),
    Case("GatherND", [f32(3, 4, 5), ints(2, 6, 3, low=0, high=3)], keep=(3,)),
    Case("GatherND", [f32(3, 4, 5), ints(3, 2, low=0, high=4)], {"batch_dims": 1}, keep=(2,)),
    Case("GatherND", [f32(2, 3, 4, 5), ints(2, 3, 1, low=0, high=4)], {"batch_dims": 2}),
    Case("ReverseSequence", [f32(6, 4), ints(4, low=1, high=7)]),
    Case("ReverseSequence", [f32(4, 6, 3), ints(4, low=1, high=7)], {"batch_axis": 0, "time_axis": 1}),
]

REDUCTIONS = ("none", "add", "mul", "max", "min")
SCATTERS = [
    Case("ScatterElements", [f32(6, 5), distinct((3, 5), 6, 0), f32(3, 5, seed=1)], {"axis": 0}),
    Case("ScatterElements", [f32(3, 6), distinct((3, 4), 6, 1), f32(3, 4, seed=1)], {"axis": 1}),
    Case("ScatterElements", [f32(4, 3, 6), distinct((2, 3, 4), 6, 2), f32(2, 3, 4, seed=1)], {"axis": -1}, name="fewer rows"),
    Case("ScatterElements", [ints(6, 5), distinct((3, 5), 6, 0), ints(3, 5, seed=1)], {"axis": 0}),
    Case("ScatterElements", [bools(6), distinct((3,), 6, 0), bools(3)], {"axis": 0}),
] + [
    Case("ScatterElements", [f32(3, 6), ints(3, 9, low=-6, high=6), f32(3, 9, seed=1)], {"axis": 1, "reduction": r}) for r in REDUCTIONS[1:]
] + [
    Case("ScatterElements", [f16(3, 6), ints(3, 9, low=-6, high=6), f16(3, 9, seed=1)], {"axis": 1, "reduction": "add"}, oracle="onnx", atol=2e-3),
    Case("ScatterElements", [ints(3, 6, dtype=np.uint8, low=0, high=99), ints(3, 9, low=-6, high=6), ints(3, 9, dtype=np.uint8, low=0, high=255)], {"axis": 1, "reduction": "max"}),
    Case("ScatterND", [f32(8), Const(np.asarray([[4], [3], [1], [-1]])), f32(4, seed=1)], keep=(4,)),
    Case("ScatterND", [f32(5, 4, 3), Const(np.asarray([[0], [2]])), f32(2, 4, 3, seed=1)], keep=(2,)),
    Case("ScatterND", [f32(5, 4, 3), np.asarray([[0, 1], [2, -1]]), f32(2, 3, seed=1)], keep=(2,)),
    Case("ScatterND", [f32(5, 4), np.asarray([[0, 1], [2, 3], [4, 0]]), f32(3, seed=1)], keep=(2,)),
    Case("ScatterND", [f32(5, 4, 3), np.asarray([[[0], [2]], [[1], [4]]]), f32(2, 2, 4, 3, seed=1)], keep=(1, 2)),
] + [
    Case("ScatterND", [f32(5, 4), ints(7, 1, low=-5, high=5), f32(7, 4, seed=1)], {"reduction": r}) for r in REDUCTIONS[1:]
]

CASES = GATHERS + SCATTERS

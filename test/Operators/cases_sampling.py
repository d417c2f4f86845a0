"""Reading at fractional positions, regions, patches and crops."""
from case import Case, Const, f16, f32, f64, ints, np

MODES, PADDINGS = ("linear", "nearest", "cubic"), ("zeros", "border", "reflection")


def grid(*shape, make=f32):
    return make(*shape, low=-1.4, high=1.4)


CASES = [Case("GridSample", [f32(2, 3, 5, 6), grid(2, 4, 7, 2)], {"mode": m, "padding_mode": p, "align_corners": a}, keep=(2,), atol=1e-4) for m in MODES for p in PADDINGS for a in (0, 1)]
CASES += [Case("GridSample", [f32(2, 3, 4, 5, 6), grid(2, 4, 3, 7, 3)], {"mode": m, "padding_mode": p, "align_corners": a}, oracle="onnx", keep=(3,), atol=1e-4) for m in MODES[:2] for p in PADDINGS for a in (0, 1)]
CASES += [Case("GridSample", [make(2, 3, 5, 6), grid(2, 4, 7, 2, make=make)], {"mode": m}, oracle="onnx", keep=(2,), atol=1e-2 if make is f16 else 1e-4) for m in ("linear", "nearest") for make in (f16, f64)]
CASES += [Case("GridSample", [f32(1, 1, 5, 6), np.float32([[[[np.inf, 0], [-np.inf, 3e38], [1e20, -1e20]]]])], {"padding_mode": p}, expect=e, dynamic=False, name=f"far away, {p}") for p, e in (("zeros", lambda x, g: np.zeros((1, 1, 1, 3), np.float32)), ("border", lambda x, g: np.stack([(x[0, 0, 2, 5]), x[0, 0, 4, 0], x[0, 0, 0, 5]]).reshape(1, 1, 1, 3)))]
CASES += [Case("GridSample", [f32(2, 3, 5, 6), grid(2, 4, 7, 2)], {"mode": m}, opset=16, keep=(2,), atol=1e-4) for m in ("bilinear", "nearest", "bicubic")]

CASES += [Case("AffineGrid", [f32(2, d, d + 1), size], {"align_corners": a}, opset=20, oracle="onnx", keep=(2, 3, 4, 5), name=f"{d}-d {a} {kind}") for d, values in ((2, [2, 3, 5, 6]), (3, [2, 3, 4, 5, 6])) for a in (0, 1) for kind, size in (("constant", Const(values)), ("at run time", np.array(values)))]


def deform(x, w, out, group=1, offset_group=1, bias=False, mask=False, name="", make=f32, **attrs):
    places = offset_group * w[2] * w[3]
    inputs = [make(*x), make(*w), make(x[0], 2 * places, *out, seed=1), make(w[0], seed=2) if bias else None, make(x[0], places, *out, seed=3) if mask else None]
    return Case("DeformConv", inputs, {"group": group, "offset_group": offset_group, **attrs}, oracle="ort onnx", opset=19, keep=(1, 2, 3, w[1]), atol=1e-4, name=f"{x} {w} {group} {offset_group} {bias} {mask} {attrs}")


CASES += [deform((2, 4, 7, 8), (6, 4, 3, 3), (5, 6)), deform((2, 4, 7, 8), (6, 4, 3, 3), (7, 8), pads=[1, 1, 1, 1], bias=True, mask=True), deform((1, 4, 9, 8), (6, 2, 3, 2), (4, 3), group=2, offset_group=2, strides=[2, 2], dilations=[1, 2], mask=True), deform((1, 4, 7, 8), (4, 1, 2, 2), (6, 7), group=4, offset_group=2)]

ROIS = np.float32([[0.5, 0.7, 8.2, 6.1], [2, 3, 2.3, 3.1], [-3, -2, 14, 13], [5, 5, 4, 4]])


def roi_align(make=f32, **attrs):
    rois = ROIS.astype(make(1).dtype)
    return Case("RoiAlign", [make(2, 3, 10, 11), rois, np.int64([0, 1, 1, 0])], {"output_height": 4, "output_width": 5, **attrs}, oracle="onnx", keep=(4,), atol=2e-3 if make is f16 else 1e-4, name=f"{rois.dtype} {attrs}")


CASES += [roi_align(mode=m, coordinate_transformation_mode=c, sampling_ratio=n, spatial_scale=s) for m in ("avg", "max") for c in ("half_pixel", "output_half_pixel") for n, s in ((2, 1.0), (3, 0.5))]
CASES += [roi_align(mode=m, coordinate_transformation_mode="output_half_pixel", sampling_ratio=0) for m in ("avg", "max")] + [roi_align(make, sampling_ratio=2) for make in (f64, f16)]
CASES += [Case("RoiAlign", [f32(2, 3, 10, 11), ROIS, np.int64([0, 1, 1, 0])], {"output_height": 4, "output_width": 5, "sampling_ratio": 2}, opset=10, oracle="ort", keep=(4,), name="opset 10")]
CASES += [Case("MaxRoiPool", [f32(2, 3, 10, 11), np.float32([[0, 0.5, 0.7, 8.2, 6.1], [1, 2, 3, 2.3, 3.1], [1, 0, 1, 14, 13], [0, 5, 5, 4, 4], [1, 20, 20, 30, 30]])], {"pooled_shape": [3, 4], "spatial_scale": s}, oracle="ort", opset=16, keep=(5,), name=f"scale {s}") for s in (1.0, 0.5)]


def col2im(x, image, block, const=True, **attrs):
    wrap = Const if const else np.array
    return Case("Col2Im", [f32(*x), wrap(image), wrap(block)], attrs, oracle="onnx", opset=18, keep=(2, 3), name=f"{x} {image} {block} {const} {attrs}")


CASES += [col2im((2, 15, 25), [5, 5], [1, 5], pads=[0, 2, 0, 2]), col2im((1, 9, 4), [5, 5], [3, 3], strides=[2, 2]), col2im((1, 9, 4), [5, 5], [3, 3], False, strides=[2, 2]), col2im((1, 5, 15), [5, 5], [1, 5], pads=[0, 1, 0, 1]), col2im((1, 4, 5), [6, 6], [2, 2], dilations=[1, 5]), col2im((1, 10, 12), [3, 4, 5], [1, 1, 5]), col2im((2, 6, 6), [8], [3])]


def crop(x, shape, axes=None, const=True, make=f32):
    return Case("CenterCropPad", [make(*x), Const(shape) if const else np.array(shape)], {} if axes is None else {"axes": axes}, oracle="onnx", opset=18, keep=(2, 3), name=f"{x} {shape} {axes} {const} {make(1).dtype}")


CASES += [crop((20, 10, 3), [10, 7, 3], const=c) for c in (True, False)] + [crop((10, 7, 3), [20, 10, 3]), crop((20, 8, 3), [10, 10, 3]), crop((20, 9, 3), [11, 12], [0, 1]), crop((20, 9, 3), [11, 12], [-3, -2], False), crop((3, 20, 9), [10, 4], [1, 2], make=lambda *s: ints(*s, dtype=np.int64))]


def unpool(shape, kernel, out, output_shape=None, const=True, **attrs):
    size = int(np.prod(shape))
    indices = np.random.default_rng(0).permutation(int(np.prod(out)))[:size].reshape(shape)
    extra = [] if output_shape is None else [Const(output_shape) if const else np.array(output_shape)]
    return Case("MaxUnpool", [f32(*shape), indices, *extra], {"kernel_shape": kernel, **attrs}, oracle="onnx", keep=(4,), name=f"{shape} {kernel} {output_shape} {const} {attrs}")


CASES += [unpool((2, 3, 4, 5), [2, 2], (2, 3, 8, 10), strides=[2, 2]), unpool((2, 3, 4, 5), [3, 3], (2, 3, 7, 9), strides=[2, 2], pads=[1, 1, 1, 1]), unpool((2, 3, 7), [2], (2, 3, 14), strides=[2])]
CASES += [unpool((1, 1, 4, 5), [2, 2], (1, 1, 8, 10), [1, 1, 9, 12], c, strides=[2, 2]) for c in (True, False)]

CASES += [Case("Det", [make(*s)], oracle="onnx", keep=(1, 2, 3, 5), atol=5e-3 if make is f16 else 1e-4) for s in ((2, 2), (3, 3), (4, 5, 5), (2, 3, 7, 7), (1, 1)) for make in (f32, f64)] + [Case("Det", [np.float32([[[1, 2], [2, 4]], [[0, 0], [0, 0]], [[0, 1], [1, 0]]])], oracle="onnx", name="singular")]

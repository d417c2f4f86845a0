"""Resize."""
from case import Case, Const, f16, f32, f64, ints, np

X = f32(2, 3, 8, 10)


def resize(x, scales=None, sizes=None, roi=None, **attrs):
    options = {k: attrs.pop(k) for k in ("dynamic", "name", "oracle", "keep", "atol") if k in attrs}
    inputs = [x, roi and Const(np.float32(roi)), scales and Const(np.float32(scales)), sizes and Const(np.int64(sizes))]
    options.setdefault("name", f"{list(x.shape)} {x.dtype} {scales or sizes} " + " ".join(f"{k}={v}" for k, v in attrs.items()))
    return Case("Resize", inputs, attrs, **options)


MODES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
SCALES = ([1, 1, 2, 2], [1, 1, 0.5, 0.5], [1, 1, 1.5, 0.7], [1, 1, 3, 1])
CASES = [resize(X, scales, mode=mode, coordinate_transformation_mode=kind) for scales in SCALES for mode in ("nearest", "linear", "cubic") for kind in MODES]
CASES += [resize(X, scales, mode="nearest", nearest_mode=n, coordinate_transformation_mode=kind)
          for scales in SCALES for n in ("round_prefer_ceil", "floor", "ceil") for kind in ("half_pixel", "asymmetric", "align_corners")]
CASES += [resize(X, sizes=[2, 3, 13, 7], mode=mode, coordinate_transformation_mode=kind, dynamic=False) for mode in ("nearest", "linear", "cubic") for kind in MODES]
CASES += [resize(X, sizes=[13, 7], axes=[2, 3], mode=mode, name=f"runtime scale {mode}") for mode in ("nearest", "linear", "cubic")]
CASES += [resize(X, sizes=[2, 3, 1, 1], mode=mode, coordinate_transformation_mode=kind, dynamic=False) for mode in ("nearest", "linear") for kind in ("align_corners", "pytorch_half_pixel")]
CASES += [resize(X, [1, 1, 1.5, 0.7], mode="cubic", exclude_outside=1), resize(X, [1, 1, 1.5, 2], mode="cubic", cubic_coeff_a=-0.5), resize(X, [2, 1.5], axes=[3, 2], mode="linear"), resize(X, [2, 2], axes=[-2, -1])]
CASES += [resize(X, sizes=[12, 12], axes=[2, 3], mode=m, keep_aspect_ratio_policy=p) for m in ("nearest", "linear", "cubic") for p in ("not_larger", "not_smaller")]
CASES += [resize(X, sizes=s, axes=[3, 2], mode="linear", keep_aspect_ratio_policy=p) for s in ([7, 8], [30, 11]) for p in ("not_larger", "not_smaller")]
CASES += [resize(X, sizes=[2, 3, 5, 6], roi=[0, 0, 0.2, 0.3, 1, 1, 0.7, 1.4], mode=mode, coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=9.0, dynamic=False) for mode in ("nearest", "linear", "cubic")]
CASES += [
    resize(f32(2, 3, 9), [1, 1, 2.5], mode="linear"), resize(f32(2, 3, 9), [1, 1, 2]), resize(f32(2, 3, 4, 5, 6), [1, 1, 2, 1.5, 0.5], mode="linear", oracle="onnx"), resize(f32(2, 3, 4, 5, 6), [1, 1, 2, 2, 2]),
    resize(X, [2, 1, 1, 1]), resize(X, [1, 1, 1, 1], mode="linear"), resize(f16(2, 3, 8, 10), [1, 1, 2, 2], mode="linear", oracle="onnx", atol=1e-3), resize(f64(2, 3, 8, 10), [1, 1, 1.5, 2], mode="linear", oracle="onnx ort"),
    resize(ints(2, 3, 8, 10, dtype=np.uint8, low=0, high=255), [1, 1, 2, 2]), resize(ints(2, 3, 8, 10, dtype=np.int32), [1, 1, 1.5, 1.5]), resize(ints(1, 3, 8, 10, dtype=np.int8), [1, 1, 1.5, 0.5]), resize(f32(1, 64, 13, 13), [1, 1, 2, 2]),
]
CASES += [resize(X, scales, mode=mode, antialias=1, dynamic=False) for scales in ([1, 1, 0.5, 0.5], [1, 1, 0.6, 0.3], [1, 1, 2, 0.5]) for mode in ("linear", "cubic")]
CASES += [resize(f32(1, 2, 40, 50), sizes=[1, 2, 13, 7], mode="linear", antialias=1, dynamic=False)]
# Filters and regions that are computed at run time.
CASES += [resize(X, sizes=s, axes=[2, 3], mode=mode, antialias=1, exclude_outside=e) for s in ([5, 7], [13, 4]) for mode in ("linear", "cubic") for e in (0, 1)]
CASES += [resize(X, [0.6, 0.3], axes=[2, 3], mode=mode, antialias=1) for mode in ("linear", "cubic")] + [resize(X, sizes=[5, 5], axes=[2, 3], mode="linear", antialias=1, keep_aspect_ratio_policy="not_larger")]
CASES += [Case("Resize", [X, np.float32([0, 0, 0.2, 0.3, 1, 1, 0.7, 1.4]), None, Const([2, 3, 5, 6])], {"mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 9.0}, keep=(2, 3, 8), name=f"region at run time {mode}") for mode in ("nearest", "linear", "cubic")]

"""Convolutions."""
from case import Case, Const, f16, f32, f64, np


def conv(x, w, bias=True, op="Conv", const=True, **attrs):
    """Channels and, for transposed ones, nothing else stay static; batch and spatial dims get symbols."""
    options = {k: attrs.pop(k) for k in ("dynamic", "name", "oracle", "rtol", "atol", "make") if k in attrs}
    make = options.pop("make", f32)
    channels = w[1] * attrs.get("group", 1) if op == "ConvTranspose" else w[0]
    wrap = Const if const else lambda a: a
    inputs = [make(*x), wrap(make(*w, seed=1))] + ([wrap(make(channels, seed=2))] if bias else [])
    keep = () if const else tuple(w) + (channels,)
    return Case(op, inputs, attrs, keep=keep + (x[1],), **options)


CASES = [
    conv((2, 3, 9, 10), (4, 3, 3, 3)), conv((2, 3, 9, 10), (4, 3, 3, 3), bias=False), conv((2, 3, 9, 10), (4, 3, 3, 3), pads=[1, 1, 1, 1]), conv((2, 3, 9, 10), (4, 3, 3, 3), pads=[0, 1, 2, 3]),
    conv((2, 3, 9, 10), (4, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2]), conv((2, 3, 19, 20), (4, 3, 3, 3), dilations=[2, 3], pads=[2, 3, 2, 3]), conv((2, 3, 9, 10), (4, 3, 1, 1)),
    conv((2, 3, 9, 10), (4, 3, 1, 1), strides=[2, 2]), conv((1, 3, 32, 33), (16, 3, 7, 7), strides=[2, 2], pads=[3, 3, 3, 3]), conv((2, 3, 9, 10), (4, 3, 3, 3), const=False, pads=[1, 1, 1, 1]),
    conv((2, 8, 9, 10), (8, 1, 3, 3), group=8, pads=[1, 1, 1, 1]), conv((2, 8, 9, 10), (8, 1, 3, 3), group=8, strides=[2, 2]), conv((2, 8, 9, 10), (16, 1, 3, 3), group=8), conv((2, 8, 9, 10), (12, 2, 3, 3), group=4, pads=[1, 1, 1, 1]),
    conv((2, 8, 9, 10), (12, 4, 1, 1), group=2), conv((2, 35, 9, 10), (35, 1, 5, 5), group=35, pads=[2, 2, 2, 2]), conv((2, 40, 9, 10), (70, 40, 3, 3), pads=[1, 1, 1, 1]),
    conv((2, 3, 30), (4, 3, 5)), conv((2, 3, 30), (4, 3, 5), strides=[3], pads=[2, 2]), conv((2, 4, 30), (4, 1, 3), group=4, dilations=[2]), conv((2, 3, 6, 7, 8), (4, 3, 3, 3, 3), pads=[1] * 6),
    conv((2, 3, 6, 7, 8), (4, 3, 2, 3, 1), strides=[2, 1, 2]), conv((2, 4, 6, 7, 8), (4, 1, 3, 3, 3), group=4), conv((1, 2, 5, 5), (2, 2, 5, 5)),
    conv((2, 3, 9, 10), (4, 3, 3, 3), make=f16, oracle="onnx", atol=1e-3), conv((2, 3, 9, 10), (4, 3, 3, 3), make=f64, oracle="ort onnx"), conv((2, 3, 9, 10), (4, 3, 3, 3), kernel_shape=[3, 3], auto_pad="VALID"),
]
CASES += [conv((2, 3, 9, 10), (4, 3, *k), auto_pad=pad, strides=s) for pad in ("SAME_UPPER", "SAME_LOWER") for k in ((3, 3), (2, 4)) for s in ([1, 1], [2, 2], [3, 2])]
CASES += [conv((2, 3, 9, 10), (4, 3, 3, 3), auto_pad="SAME_UPPER", dilations=[2, 2], oracle="onnx")]
# Taps that meet only padding: both ends, one end, all but a corner, with strides.
CASES += [conv((2, 3, 6, 7), (4, 3, 3, 3), dilations=[d, e], pads=[d, e, d, e], strides=s, const=c)
          for d, e in ((6, 7), (8, 3), (5, 12)) for s in ([1, 1], [2, 3]) for c in (True, False)]
CASES += [conv((1, 2, 4, 4), (3, 2, 3, 3), dilations=[5, 5], pads=[10, 0, 0, 10]), conv((1, 2, 4, 4), (3, 2, 5, 5), pads=[4, 4, 0, 0], strides=[4, 4]),
          conv((2, 4, 5, 6), (4, 1, 3, 3), group=4, dilations=[6, 6], pads=[6, 6, 6, 6]), conv((1, 2, 3), (3, 2, 4), pads=[9, 9], dilations=[3])]
# Most taps of most outputs meet padding: regions with fewer taps, of one, two and three dims.
CASES += [
    conv((2, 64, 10, 11), (64, 64, 3, 3), dilations=[7, 6], pads=[7, 6, 7, 6]), conv((1, 64, 13, 12), (96, 64, 3, 3), dilations=[8, 9], pads=[8, 10, 7, 9], strides=[2, 1]),
    conv((1, 64, 14, 12), (128, 32, 3, 3), dilations=[9, 8], pads=[9, 8, 9, 8], group=2, bias=False), conv((2, 128, 40), (128, 128, 5), dilations=[15], pads=[30, 30], strides=[2]),
    conv((1, 32, 6, 7, 8), (32, 32, 3, 3, 3), dilations=[4, 5, 5], pads=[4, 5, 5] * 2), conv((1, 96, 12, 12), (96, 96, 3, 3), dilations=[7, 7], pads=[7] * 4, const=False),
]

# By Winograd's algorithm: tiles of 2 and 4, whole and cut by the border, one and several blocks of them, padding of each side.
CASES += [
    conv((2, 32, 13, 15), (64, 32, 3, 3), pads=[1, 1, 1, 1]), conv((2, 32, 9, 10), (32, 32, 3, 3), bias=False), conv((1, 64, 30, 37), (32, 64, 3, 3), pads=[0, 2, 3, 1]),
    conv((3, 32, 7, 7), (96, 32, 3, 3), pads=[1, 1, 1, 1]), conv((5, 32, 16, 12), (32, 32, 3, 3), auto_pad="SAME_UPPER"), conv((2, 96, 14, 14), (32, 96, 3, 3), pads=[2, 2, 2, 2]),
]


def transposed(x, w, **attrs):
    return conv(x, w, op="ConvTranspose", **attrs)


CASES += [
    transposed((2, 3, 4, 5), (3, 6, 2, 2), strides=[2, 2]), transposed((2, 3, 4, 5), (3, 6, 3, 3)), transposed((2, 3, 4, 5), (3, 6, 3, 3), pads=[1, 1, 1, 1]), transposed((2, 3, 4, 5), (3, 6, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
    transposed((2, 3, 4, 5), (3, 6, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1]), transposed((2, 3, 4, 5), (3, 6, 3, 3), strides=[3, 2]), transposed((2, 3, 4, 5), (3, 6, 2, 3), strides=[3, 3]), transposed((2, 3, 4, 5), (3, 6, 3, 3), strides=[2, 2], bias=False),
    transposed((2, 3, 4, 5), (3, 6, 3, 3), dilations=[2, 2]), transposed((2, 3, 4, 5), (3, 6, 3, 3), dilations=[2, 3], strides=[2, 2]), transposed((2, 3, 4, 5), (3, 6, 3, 3), dilations=[2, 1], strides=[4, 3]),
    transposed((2, 4, 4, 5), (4, 3, 3, 3), group=2, strides=[2, 2]), transposed((2, 4, 4, 5), (4, 1, 3, 3), group=4, strides=[2, 2], pads=[1, 1, 1, 1]), transposed((2, 4, 4, 5), (4, 1, 2, 2), group=4, strides=[2, 2]),
    transposed((2, 3, 7), (3, 5, 4), strides=[2], pads=[1, 1]), transposed((2, 3, 3, 4, 5), (3, 5, 2, 2, 2), strides=[2, 2, 2]), transposed((2, 3, 3, 4, 5), (3, 5, 3, 3, 3), strides=[1, 2, 1]),
    transposed((2, 3, 4, 5), (3, 6, 3, 3), strides=[2, 2], output_shape=[9, 10], dynamic=False), transposed((2, 3, 4, 5), (3, 6, 3, 3), strides=[2, 2], output_shape=[8, 9], auto_pad="SAME_UPPER", dynamic=False),
    transposed((2, 3, 4, 5), (3, 6, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER"), transposed((2, 3, 4, 5), (3, 6, 3, 3), strides=[2, 2], auto_pad="SAME_LOWER"), transposed((2, 3, 4, 5), (3, 6, 4, 4), strides=[4, 4]),
    transposed((2, 3, 4, 5), (3, 6, 2, 2), strides=[2, 2], const=False), transposed((2, 3, 4, 5), (3, 6, 4, 4), strides=[2, 2], make=f64, oracle="onnx"), transposed((1, 64, 8, 8), (64, 32, 2, 2), strides=[2, 2]),
]

"""Single operators as models: shapes of known networks, or a seeded sample of odd ones, timed in batches."""
import random
import sys
import zlib
from dataclasses import dataclass, field

import numpy as np

import limits
import report
from harness import Wrong, compare_all, oracle
from processes import ROOT, CompileError, Contender, compile_model, run_engine
from workloads import MODELS

FOLDER = MODELS / "kernels"


@dataclass
class Kernel:
    """One node: inputs that change between calls, weights that do not. flops: 0 where memory is the limit."""

    kind: str
    name: str
    op: str
    inputs: dict
    weights: dict = field(default_factory=dict)
    attributes: dict = field(default_factory=dict)
    flops: float = 0

    def path(self, suffix):
        return FOLDER / (self.name.replace(" ", "_").replace("/", ".") + suffix)

    def write(self):
        """The model and its inputs as files."""
        import onnx
        from onnx import helper, numpy_helper

        generator = np.random.default_rng(zlib.crc32(self.name.encode()))
        made = {n: generator.standard_normal(s).astype("f4") for n, s in (self.inputs | self.weights).items()}
        for name, shape in self.weights.items():  # outputs of unit scale
            made[name] /= np.float32(max(np.prod(shape[1:] if len(shape) > 2 else shape[:1]), 1) ** 0.5)
        value = helper.make_tensor_value_info
        node = helper.make_node(self.op, [*self.inputs, *self.weights], ["y"], **self.attributes)
        graph = helper.make_graph([node], "kernel", [value(n, onnx.TensorProto.FLOAT, s) for n, s in self.inputs.items()],
                                  [value("y", onnx.TensorProto.FLOAT, None)], [numpy_helper.from_array(made[n], n) for n in self.weights])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        onnx.save(onnx.shape_inference.infer_shapes(model, strict_mode=True), self.path(".onnx"))
        np.savez(self.path(".npz"), **{n: made[n] for n in self.inputs})


def gemm(m, k, n, where=""):
    return Kernel("gemm", f"gemm {m}x{k}x{n}{where}", "MatMul", {"x": (m, k)}, {"w": (k, n)}, flops=2 * m * k * n)


def matmul(batch, m, k, n, where=""):
    return Kernel("gemm", f"matmul {batch}x {m}x{k}x{n}{where}", "MatMul", {"x": (batch, m, k), "y0": (batch, k, n)}, flops=2 * batch * m * k * n)


def conv(channels, out, height, width, kernel=(3, 3), stride=1, dilation=1, groups=1, pad=None, where=""):
    """Padded to keep the size at stride 1 unless `pad` says otherwise."""
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    pads = [(k - 1) * dilation // 2 if pad is None else pad for k in kernel]
    sizes = [(n + 2 * p - (k - 1) * dilation - 1) // stride + 1 for n, p, k in zip((height, width), pads, kernel)]
    kind = "depthwise" if groups == channels and groups > 1 else "convolution"
    name = f"{'depthwise' if kind == 'depthwise' else 'conv'} {kernel[0]}x{kernel[1]} {channels}-{out} {height}x{width}"
    name += f" s{stride}" * (stride > 1) + f" d{dilation}" * (dilation > 1) + f" g{groups}" * (groups > 1 and kind != "depthwise")
    attributes = {"kernel_shape": kernel, "strides": [stride] * 2, "dilations": [dilation] * 2, "group": groups, "pads": pads * 2}
    return Kernel(kind, name + where, "Conv", {"x": (1, channels, height, width)}, {"w": (out, channels // groups, *kernel), "b": (out,)},
                  attributes, 2 * sizes[0] * sizes[1] * out * (channels // groups) * kernel[0] * kernel[1])


def softmax(*shape, axis=-1):
    name = f"softmax {'x'.join(map(str, shape))}" + (f" axis {axis}" if axis != -1 else "")
    return Kernel("softmax", name, "Softmax", {"x": shape}, attributes={"axis": axis})


def layer_norm(*shape):
    return Kernel("layer norm", f"layer_norm {'x'.join(map(str, shape))}", "LayerNormalization", {"x": shape}, {"scale": shape[-1:], "bias": shape[-1:]})


def gelu(*shape, approximate="none"):
    name = f"gelu {'x'.join(map(str, shape))}" + (f" {approximate}" if approximate != "none" else "")
    return Kernel("gelu", name, "Gelu", {"x": shape}, attributes={"approximate": approximate})


def known():
    """Shapes of ResNet-50, MobileNetV2, BERT and ViT at batch 1."""
    yield from (gemm(128, 768, 768, " bert"), gemm(128, 768, 3072, " bert"), gemm(128, 3072, 768, " bert"), gemm(197, 768, 2304, " vit"),
                gemm(197, 768, 3072, " vit"), gemm(1, 2048, 1000, " resnet"), gemm(1, 768, 3072, " decode"), gemm(512, 512, 512), gemm(1024, 1024, 1024),
                matmul(12, 128, 64, 128, " bert QK"), matmul(12, 128, 128, 64, " bert PV"), matmul(12, 197, 64, 197, " vit QK"))
    for channels, out, size, kernel, stride in ((3, 64, 224, 7, 2), (64, 64, 56, 1, 1), (64, 64, 56, 3, 1), (64, 256, 56, 1, 1), (256, 64, 56, 1, 1),
                                                (256, 512, 56, 1, 2), (128, 128, 56, 3, 2), (128, 128, 28, 3, 1), (256, 256, 14, 3, 1),
                                                (1024, 256, 14, 1, 1), (512, 512, 7, 3, 1), (512, 2048, 7, 1, 1)):
        yield conv(channels, out, size, size, kernel, stride, where=" resnet")
    for channels, out, size in ((16, 96, 112), (96, 24, 56), (144, 32, 28), (384, 64, 14), (576, 160, 7), (320, 1280, 7)):
        yield conv(channels, out, size, size, 1, where=" mobilenet")
    yield conv(3, 32, 224, 224, 3, 2, where=" mobilenet")
    yield conv(3, 768, 224, 224, 16, 16, pad=0, where=" vit")
    for channels, size, stride in ((32, 112, 1), (96, 112, 2), (144, 56, 1), (192, 28, 1), (384, 14, 1), (576, 14, 2), (960, 7, 1)):
        yield conv(channels, channels, size, size, 3, stride, groups=channels, where=" mobilenet")
    yield from (softmax(1, 12, 128, 128), softmax(1, 12, 197, 197), softmax(1, 1000))
    yield from (layer_norm(1, 128, 768), layer_norm(1, 197, 768), layer_norm(1, 1, 768))
    yield from (gelu(1, 128, 3072), gelu(1, 197, 3072), gelu(1, 128, 3072, approximate="tanh"))


def odd(count, seed):
    """Shapes that nobody tuned for: odd sizes, groups, strides, dilations, oblong kernels, axes in the middle."""
    pick = random.Random(seed)

    def a_conv():
        groups = pick.choice((1, 1, 1, 1, 2, 3, 5))
        channels, out = (groups * pick.randint(1, 96 // groups) for _ in range(2))
        kernel = (pick.choice((1, 2, 3, 3, 3, 4, 5, 7)), pick.choice((1, 2, 3, 3, 3, 4, 5, 7)))
        return conv(channels, out, pick.randint(8, 90), pick.randint(8, 90), kernel, pick.choice((1, 1, 2, 3)), pick.choice((1, 1, 1, 2, 3)), groups)

    def a_depthwise():
        channels, kernel = pick.randint(3, 250), pick.choice((2, 3, 3, 4, 5, 7, 9))
        return conv(channels, channels, pick.randint(9, 120), pick.randint(9, 120), kernel, pick.choice((1, 1, 2, 3)), pick.choice((1, 1, 2)), channels)

    def a_softmax():
        shape = [pick.randint(1, 90) for _ in range(3)]
        return softmax(*shape, axis=pick.choice((-1, -1, 1, 0)))

    makers = (lambda: gemm(pick.randint(1, 300), pick.randint(1, 900), pick.randint(1, 900)),
              lambda: matmul(pick.randint(1, 9), pick.randint(1, 150), pick.randint(1, 150), pick.randint(1, 150)),
              a_conv, a_conv, a_conv, a_depthwise, a_softmax, lambda: layer_norm(pick.randint(1, 300), pick.randint(2, 1500)),
              lambda: gelu(pick.randint(1, 200), pick.randint(1, 3000), approximate=pick.choice(("none", "tanh"))))
    found = {}
    while len(found) < count:
        kernel = pick.choice(makers)()
        found[kernel.name] = kernel
    return found.values()


def measure(options, found):
    """Every engine takes all kernels in one process a round; the engines take turns."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kernels = [k for k in (known() if options.random is None else odd(options.random, options.seed)) if options.filter in k.name]
    found |= {"seed": options.seed, "random": options.random, "engines": options.engines, "limits": limits.measure(ROOT / "build" / "limits", options.threads)}
    contenders = {k.name: {e: Contender(e, e, k.path(".bin" if e == "laic" else ".onnx")) for e in options.engines if e != "openblas" or k.op == "MatMul"}
                  for k in kernels}
    for kernel in kernels:
        kernel.write()
        ours = contenders[kernel.name].get("laic")
        if ours:
            try:
                compile_model(options, kernel.path(".onnx"), ours.path, {}, 1)
                check(kernel, ours, options)
            except CompileError as error:
                ours.reason = " ".join(str(error).split())[:300]
    for number in range(options.rounds):
        for threads in options.threads:
            for engine in options.engines if number % 2 == 0 else options.engines[::-1]:
                able = [k for k in kernels if engine in contenders[k.name] and not contenders[k.name][engine].reason]
                pairs = [(contenders[k.name][engine].path, k.path(".npz")) for k in able]
                for kernel, result in zip(able, run_engine(engine, pairs, options, threads)):
                    contenders[kernel.name][engine].take(result, threads)
    found["kernels"] = {}
    for kernel in kernels:
        engines = {e: c.summary() for e, c in contenders[kernel.name].items()}
        found["kernels"][kernel.name] = {"kind": kernel.kind, "flops": kernel.flops, "engines": engines, "ratio": report.ratios(engines)}
    return found


def check(kernel, ours, options):
    """Notes where our result is wrong; it is timed all the same."""
    sys.path.insert(0, str(options.build / "python"))
    import laic

    with np.load(kernel.path(".npz")) as data:
        feed = {n: data[n] for n in data.files}
    try:
        compare_all(laic.load(ours.path, threads=1).run(feed), oracle(kernel.path(".onnx"), feed, MODELS / "oracle"))
    except (Wrong, laic.Error) as wrong:
        ours.notes["wrong"] = str(wrong).splitlines()[0]

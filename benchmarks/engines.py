"""The engines that are measured: how each prepares a model (once, in a process of its own) and opens it for fixed inputs.

Every engine gets static shapes, those of the inputs, which is what it is fastest with; f32 arithmetic unless its name says otherwise; and
the number of threads by its own setting.
"""
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np


class Refused(Exception):
    """The engine cannot run this model, or not on this machine."""


@dataclass
class Session:
    """A loaded model with its inputs bound. outputs: {name or position: array} of the last call."""

    load_ms: float
    call: Callable
    outputs: Callable


class Engine:
    """One engine. `package` is what PyPI calls it, None for what the build tree holds. `networks`: it takes more than single operators."""

    name, package, networks = "", "", True

    def versions(self):
        import importlib.metadata

        return importlib.metadata.version(self.package)

    def prepare(self, model, feed, folder):
        """Converts the model when the engine needs that; returns the file that open() takes."""
        return model

    def open(self, path, feed, options):
        """A Session; options: threads, dims, build, verify."""
        raise NotImplementedError


class Laic(Engine):
    """Through the Python package, arrays bound once; caches grow in place (docs/Decoding.md). Its path is an artifact, which compare.py
    compiles."""

    name, package = "laic", None

    def open(self, path, feed, options):
        sys.path.insert(0, str(options.build / "python"))
        import laic
        import laic._runtime

        laic._runtime.runtime()  # opens the library, as importing onnxruntime does
        begun = time.perf_counter()
        model = laic.load(path, threads=options.threads, verify=options.verify)
        loaded = time.perf_counter()
        call = model.bind(*self.with_room(model, feed))
        return Session((loaded - begun) * 1e3, call, lambda: dict(call.outputs))

    @staticmethod
    def with_room(model, feed):
        """The feed with caches in arrays that are as long as the outputs which continue them, and those outputs."""
        sizes = {name: array.shape for name, array in model.bind(feed).outputs.items()} if any(o.may_alias for o in model.outputs) else {}
        feed, out = dict(feed), {}
        for output in model.outputs:
            for past in output.may_alias[:1]:
                out[output.name] = np.empty(sizes[output.name], output.dtype)
                view = out[output.name][tuple(slice(n) for n in feed[past].shape)]
                view[...] = feed[past]
                feed[past] = view
        return feed, out


class OnnxRuntime(Engine):
    """All graph optimisations, arrays bound once, free dims fixed to those of the inputs."""

    name = package = "onnxruntime"

    def open(self, path, feed, options):
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.log_severity_level = 3
        for dim, size in options.dims.items():
            settings.add_free_dimension_override_by_name(dim, size)
        begun = time.perf_counter()
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        loaded = time.perf_counter()
        binding = session.io_binding()
        for name, array in feed.items():
            binding.bind_cpu_input(name, array)
        names = [o.name for o in session.get_outputs()]
        for name in names:
            binding.bind_output(name)
        return Session((loaded - begun) * 1e3, lambda: session.run_with_iobinding(binding),
                       lambda: dict(zip(names, binding.copy_outputs_to_cpu())))


class OpenVino(Engine):
    """LATENCY hint and a hint for the precision: without one it computes in bf16 where the CPU can. Its threads are not pinned, like those of
    the others: pinned ones wait for whatever else runs on their core."""

    name, package, precision = "openvino", "openvino", "f32"

    def open(self, path, feed, options):
        import openvino

        core = openvino.Core()
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": self.precision, "INFERENCE_NUM_THREADS": options.threads,
                    "ENABLE_CPU_PINNING": False}
        if self.precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise Refused("this CPU has no bf16 arithmetic")
        begun = time.perf_counter()
        model = core.read_model(path)
        model.reshape({name: list(array.shape) for name, array in feed.items()})
        compiled = core.compile_model(model, "CPU", settings)
        loaded = time.perf_counter()
        request = compiled.create_infer_request()
        for name, array in feed.items():
            request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        names = [next(iter(port.get_names()), str(i)) for i, port in enumerate(compiled.outputs)]

        return Session((loaded - begun) * 1e3, lambda: request.infer(share_outputs=True),
                       lambda: {n: np.array(request.get_output_tensor(i).data) for i, n in enumerate(names)})


class OpenVinoBf16(OpenVino):
    name, precision = "openvino-bf16", "bf16"


class Ncnn(Engine):
    """Converted by pnnx with fp16=0; storage and arithmetic in f32, everything else as ncnn has it, Winograd included."""

    name = package = "ncnn"

    def prepare(self, model, feed, folder):
        import importlib.util

        found = importlib.util.find_spec("pnnx")
        if found is None:
            raise ModuleNotFoundError("No module named 'pnnx'")
        static_copy(model, feed, folder / "model.onnx")
        for index, array in enumerate(feed.values()):
            np.save(folder / f"in{index}.npy", array)
        inputs = ",".join(f"in{index}.npy" for index in range(len(feed)))
        said = tool([Path(found.origin).parent / "pnnx", "model.onnx", f"input={inputs}", "fp16=0"], folder)
        if not (folder / "model.ncnn.param").exists():
            raise Refused(f"pnnx writes no ncnn model, and says last: {said[-1] if said else 'nothing'}")
        for left in folder.iterdir():
            if left.name not in ("model.ncnn.param", "model.ncnn.bin", "model_ncnn.py"):
                left.unlink()
        return folder / "model.ncnn.param"

    def open(self, path, feed, options):
        import ncnn

        path = Path(path)
        net = ncnn.Net()
        net.opt.num_threads = options.threads
        net.opt.use_vulkan_compute = False
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
            if hasattr(net.opt, name):
                setattr(net.opt, name, False)
        begun = time.perf_counter()
        with said_on_stderr() as said:
            failed = net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin")))
        loaded = time.perf_counter()
        if failed:
            raise Refused(f"ncnn does not load what pnnx wrote: {said[0] if said else failed}")
        # The script that pnnx leaves says which axis of an input or output is the batch, which ncnn keeps apart.
        script = path.with_name("model_ncnn.py").read_text()
        batch = {name: {"batch_index": int(axis)} for name, axis in re.findall(r"\b((?:in|out)\d+)\.\S*numpy\(.*?batch_index=(\d+)", script)}
        outputs = re.findall(r'ex\.extract\("(out\d+)"', script)
        inputs = []
        for name, array in zip((f"in{i}" for i in range(len(feed))), feed.values()):
            array = array.astype(np.int32) if array.dtype == np.int64 else array
            inputs.append((name, ncnn.Mat(array, **batch.get(name, {})).clone()))
        results = {}

        def call():
            extractor = net.create_extractor()
            for name, mat in inputs:
                extractor.input(name, mat)
            for name in outputs:
                code, results[name] = extractor.extract(name)
                if code:
                    raise Refused(f"ncnn fails to compute {name}: code {code}")

        return Session((loaded - begun) * 1e3, call,
                       lambda: {n: np.array(m.numpy(**batch.get(n, {}))) for n, m in results.items()})


class Iree(Engine):
    """llvm-cpu for the host's CPU at O3, static shapes; the task system with as many workers as threads. The default limit of 32 KiB of
    stack refuses BERT."""

    name, package = "iree", "iree-base-runtime"

    def prepare(self, model, feed, folder):
        import iree.compiler  # noqa: F401

        static_copy(model, feed, folder / "model.onnx")
        tool([sys.executable, "-m", "iree.compiler.tools.import_onnx", "model.onnx", "-o", "model.mlir", "--opset-version", "17"], folder)
        (folder / "model.onnx").unlink()
        program = Path(sys.executable).with_name("iree-compile")
        tool([program, "model.mlir", "-o", "model.vmfb", "--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
              "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3", "--iree-llvmcpu-stack-allocation-limit=262144"], folder)
        (folder / "model.mlir").unlink()
        return folder / "model.vmfb"

    def open(self, path, feed, options):
        import iree.runtime as rt

        rt.flags.parse_flags(f"--task_topology_group_count={options.threads}")
        begun = time.perf_counter()
        config = rt.Config("local-task")
        module = rt.load_vm_module(rt.VmModule.mmap(config.vm_instance, str(path)), config)
        loaded = time.perf_counter()
        name = next(n for n in module.vm_module.function_names if not n.startswith("_") and not n.endswith("$async"))
        main = module[name]
        inputs = [rt.asdevicearray(config.device, array) for array in feed.values()]
        results = []

        def call():
            results[:] = [main(*inputs)]

        def outputs():
            found = results[0] if isinstance(results[0], (tuple, list)) else [results[0]]
            return {str(i): array.to_host() for i, array in enumerate(found)}

        return Session((loaded - begun) * 1e3, call, outputs)


class OpenBlas(Engine):
    """The OpenBLAS that NumPy's wheels carry, for models that are one product of matrices."""

    name, package, networks = "openblas", "numpy", False

    def versions(self):
        library = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{library['version']}, in NumPy {np.__version__}"

    def open(self, path, feed, options):
        import onnx
        from onnx import numpy_helper

        begun = time.perf_counter()
        graph = onnx.load(path).graph
        if [node.op_type for node in graph.node] != ["MatMul"]:
            raise Refused("a library of matrix products")
        held = feed | {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        x, y = (held[name] for name in graph.node[0].input)
        out = np.matmul(x, y)
        loaded = time.perf_counter()
        return Session((loaded - begun) * 1e3, lambda: np.matmul(x, y, out=out), lambda: {graph.output[0].name: out})


ENGINES = {e.name: e for e in (Laic(), OnnxRuntime(), OpenVino(), OpenVinoBf16(), Ncnn(), Iree(), OpenBlas())}


def symbolic_dims(model, feed):
    """{dim: size} of the named dynamic dims of a model's inputs, from the arrays that it will get."""
    import onnx

    found = {}
    for value in onnx.load(model, load_external_data=False).graph.input:
        if value.name in feed:
            for dim, size in zip(value.type.tensor_type.shape.dim, feed[value.name].shape):
                if dim.dim_param:
                    found[dim.dim_param] = size
    return found


def static_copy(model, feed, path):
    """Writes the model with the shapes of these inputs, inferred through the graph, weights inside."""
    import onnx

    proto = onnx.load(model)
    if proto.ByteSize() > 1_900_000_000:
        raise Refused("the model does not fit into one protobuf of 2 GB")
    for value in proto.graph.input:
        if value.name in feed:
            shape = value.type.tensor_type.shape
            del shape.dim[:]
            for size in feed[value.name].shape:
                shape.dim.add().dim_value = size
    for value in proto.graph.output:  # their dynamic dims follow
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.Clear()
    del proto.graph.value_info[:]
    onnx.save(onnx.shape_inference.infer_shapes(proto, data_prop=True), path)


def tool(command, folder):
    """Runs a converter; its lines, or Refused with the first that names an error."""
    done = subprocess.run([str(c) for c in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode:
        told = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "nothing is said")
        ended = f"dies of signal {-done.returncode}" if done.returncode < 0 else f"exits {done.returncode}"
        raise Refused(f"{Path(command[0]).name} {ended}: {told}")
    return lines


@contextlib.contextmanager
def said_on_stderr():
    """Catches what C++ code writes to stderr; gives a list of its lines that is filled at the end."""
    sys.stderr.flush()
    lines = []
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()

"""laic as a backend of the onnx package: `onnx.backend.test.BackendTest(laic.backend, __name__)`."""
import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep, Device, DeviceType, namedtupledict

from .compiler import compile as compile_model
from .errors import CompileError, UnsupportedError

TARGETS = {DeviceType.CPU: "cpu", DeviceType.CUDA: "cuda"}


class LaicBackendRep(BackendRep):
    """A compiled model behind the interface of the onnx package."""

    def __init__(self, model):
        self.model = model

    def run(self, inputs, **kwargs):
        """inputs: a list in graph order, a dict by name, or one array. Returns a named tuple of outputs in graph order."""
        if not isinstance(inputs, (dict, list, tuple)):
            inputs = [inputs]
        feed = inputs if isinstance(inputs, dict) else dict(zip(self.model.arguments(), inputs))
        results = self.model.run(feed)
        return namedtupledict("Outputs", list(results))(*results.values())


def _is_structured(info):
    """Whether what an input holds must be known when compiling; of a map nothing need be."""
    return not (info.type.HasField("tensor_type") or info.type.HasField("map_type"))


def _structure(name, value):
    """What --dim says of a sequence or optional of this value: its presence, length and, where all agree, rank."""
    if value is None:
        return {f"{name}/present": 0}
    found = {f"{name}/present": 1}
    if isinstance(value, list):
        found[f"{name}/len"] = len(value)
    ranks = {np.ndim(v) for v in (value if isinstance(value, list) else [value])}
    if len(ranks) > 1:
        raise UnsupportedError(f"input '{name}': expects elements of one rank, got ranks {sorted(ranks)}")
    return {**found, f"{name}/rank": next(iter(ranks), 0)}


class StructuredBackendRep(BackendRep):
    """A model with sequences or optionals among its inputs: compiled for each structure that they come with, and kept."""

    def __init__(self, model, options):
        self.model, self.options, self.compiled = model, options, {}
        initialised = {t.name for t in model.graph.initializer}
        self.inputs = [i for i in model.graph.input if i.name not in initialised]

    def run(self, inputs, **kwargs):
        """As LaicBackendRep.run; a sequence is a list of arrays, an absent optional None."""
        names = [i.name for i in self.inputs]
        feed = dict(inputs) if isinstance(inputs, dict) else dict(zip(names, inputs))
        dims = {}
        for info in self.inputs:
            if _is_structured(info):
                dims.update(_structure(info.name, feed.get(info.name)))
        key = tuple(sorted(dims.items()))
        if key not in self.compiled:
            self.compiled[key] = compile_model(self.model, dims={**self.options.get("dims", {}), **dims},
                                               **{k: v for k, v in self.options.items() if k != "dims"})
        results = self.compiled[key].run(feed)
        names = [o.name for o in self.model.graph.output]
        return namedtupledict("Outputs", names)(*(results.get(name) for name in names))


class LaicBackend(Backend):
    """Compiles for one device and runs there."""

    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        """Does the whole model compile? Costs a compilation."""
        try:
            cls.prepare(model, device, **kwargs)
        except CompileError:
            return False
        return True

    @classmethod
    def supports_device(cls, device):
        try:
            return Device(device).type in TARGETS
        except AttributeError:  # a kind of device that the onnx package does not know
            return False

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        """kwargs: options of laic.compile. A model with sequences or optionals among its inputs is compiled when it is run."""
        if isinstance(model, onnx.ModelProto) and any(_is_structured(i) for i in model.graph.input):
            return StructuredBackendRep(model, {"target": TARGETS[Device(device).type], **kwargs})
        return LaicBackendRep(compile_model(model, target=TARGETS[Device(device).type], **kwargs))

    @classmethod
    def run_node(cls, node, inputs, device="CPU", outputs_info=None, opset_version=None, **kwargs):
        """Runs one node on numpy inputs; outputs_info (dtype, shape) is needed when output types cannot be inferred."""
        version = {"opset_version": opset_version} if opset_version else {}
        super().run_node(node, inputs, device, outputs_info, **version)
        names = [name for name in node.input if name]
        value = onnx.helper.make_tensor_value_info
        number = onnx.helper.np_dtype_to_tensor_dtype
        if outputs_info:
            outputs = [value(name, number(dtype), shape) for name, (dtype, shape) in zip(node.output, outputs_info)]
        else:
            outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], "node", [value(n, number(a.dtype), a.shape) for n, a in zip(names, inputs)], outputs)
        opset = opset_version or onnx.defs.onnx_opset_version()
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid(node.domain, opset)])
        model = onnx.shape_inference.infer_shapes(model)
        return cls.prepare(model, device, **kwargs).run(list(inputs))


is_compatible = LaicBackend.is_compatible
prepare = LaicBackend.prepare
run_model = LaicBackend.run_model
run_node = LaicBackend.run_node
supports_device = LaicBackend.supports_device

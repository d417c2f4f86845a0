"""A loaded artifact that can be called with numpy arrays."""
import ctypes
import os
import threading
import weakref
from ctypes import byref, c_int64
from dataclasses import dataclass, replace

import numpy as np

from . import _types
from ._runtime import VERIFY, Binding, ContextOptions, MemoryInfo, ModuleOptions, PoolOptions, TensorInfo, runtime
from .errors import InvalidArgumentError, UnsupportedError

PAGE = 4096


@dataclass(frozen=True)
class Tensor:
    """An input or output. shape: ints, names of dynamic dims, None for dynamic dims without a name.

    may_alias: of an output, the names of the inputs whose memory it may share; see Model.run.
    """

    name: str
    dtype: np.dtype
    shape: tuple
    type: str
    may_alias: tuple = ()

    @staticmethod
    def read(function, module, index):
        info = TensorInfo()
        runtime().check(function(module, index, byref(info)))
        shape = tuple(info.dims[i] if info.dims[i] >= 0 else (info.symbols[i] or b"").decode() or None for i in range(info.rank))
        return Tensor(info.name.decode(), _types.numpy_type(info.type), shape, runtime().type_name(info.type).decode()), info.type


def _is_bindable(array):
    """Can the runtime step through the array as it lies?"""
    return all(stride >= 0 and stride % array.itemsize == 0 for stride in array.strides)


def _binding(array, number):
    """A binding of an array that is bindable; it keeps what it points to alive."""
    sizes, strides = (c_int64 * max(1, array.ndim))(*array.shape), None
    if not array.flags.c_contiguous:
        strides = (c_int64 * array.ndim)(*(stride // array.itemsize for stride in array.strides))
    binding = Binding(data=array.ctypes.data, type=number, rank=array.ndim, sizes=sizes, strides=strides, capacity=0)
    binding.keep = (array, sizes, strides)
    return binding


class _Context:
    """One thread's runtime context."""

    def __init__(self, module, pool, device):
        options = ContextOptions(pool=pool, device=device)
        self.handle = runtime().create(runtime().context_create, module, byref(options))
        self.finalizer = weakref.finalize(self, runtime().context_release, self.handle)


class Model:
    """An artifact ready to run. Safe to call from many threads: each gets a context of its own; they share the worker pool.

    path     the artifact's file, or its bytes
    threads  workers that one call may use; None: as many as this process may use
    device   "cpu", "cuda", ...; None: the first usable plan
    verify   "full" checks the hash of every byte, "structure" leaves out those of the weights
    """

    def __init__(self, path, *, threads=None, device=None, verify="full"):
        if verify not in VERIFY:
            raise InvalidArgumentError(f"verify must be one of {', '.join(VERIFY)}, got {verify!r}")
        if threads is not None and threads < 1:
            raise InvalidArgumentError(f"threads must be at least 1, got {threads}")
        api = runtime()
        options = ModuleOptions(verify=VERIFY[verify])
        if isinstance(path, (bytes, bytearray, memoryview)):
            self._memory = _aligned(path)
            self._module = api.create(api.module_load_memory, self._memory.ctypes.data, self._memory.size, byref(options))
        else:
            self._module = api.create(api.module_load, os.fsencode(path), byref(options))
        weakref.finalize(self, api.module_release, self._module)
        self._device = device.encode() if device else None
        self._pool = None
        if threads != 1:
            self._pool = api.create(api.pool_create, byref(PoolOptions(threads=threads or 0)))
            weakref.finalize(self, api.pool_release, self._pool)
        self._local = threading.local()
        inputs = [Tensor.read(api.module_input, self._module, i) for i in range(api.module_input_count(self._module))]
        outputs = [Tensor.read(api.module_output, self._module, i) for i in range(api.module_output_count(self._module))]
        self.inputs, self._input_types = [t for t, _ in inputs], [n for _, n in inputs]
        self.outputs, self._output_types = [t for t, _ in outputs], [n for _, n in outputs]
        self.outputs = [replace(t, may_alias=tuple(given.name for i, given in enumerate(self.inputs) if api.module_may_alias(self._module, index, i)))
                        for index, t in enumerate(self.outputs)]
        self._input_maps, self._output_maps = _maps(self.inputs, (1,)), _maps(self.outputs, (1, 2))

    def __repr__(self):
        def show(tensors):
            return ", ".join(f"{t.name}: {t.type}{list(t.shape)}" for t in tensors)

        return f"<laic.Model ({show(self.inputs)}) -> ({show(self.outputs)})>"

    def explain(self):
        """Which plan and instruction set is used here and why, one line per decision."""
        return runtime().module_explain(self._module).decode()

    def memory(self):
        """Bytes of arena and workspace of this thread's context and how many allocations it made so far."""
        info = MemoryInfo()
        runtime().context_memory(self._context().handle, byref(info))
        return {"arena_bytes": info.arena_bytes, "workspace_bytes": info.workspace_bytes, "allocations": info.allocations}

    def __call__(self, *arrays, **named):
        """Runs on inputs by position or name, of which a map is one. One output comes bare, several as a tuple in graph order."""
        names = self.arguments()
        if len(arrays) > len(names):
            raise InvalidArgumentError(f"expects {len(names)} inputs, got {len(arrays)}")
        feed = dict(zip(names, arrays))
        twice = feed.keys() & named.keys()
        if twice:
            raise InvalidArgumentError(f"input '{sorted(twice)[0]}' is given by position and by name")
        results = tuple(self.run({**feed, **named}).values())
        return results[0] if len(results) == 1 else results

    def arguments(self):
        """The names of the inputs in the order of a call's positions: those of `inputs`, but one for the two of a map."""
        parts = {f"{name}/values" for name in self._input_maps}
        return [t.name.removesuffix("/keys") if t.name.removesuffix("/keys") in self._input_maps else t.name
                for t in self.inputs if t.name not in parts]

    def run(self, feed, out=None):
        """{input name: array} -> {output name: array}. out: arrays to write into, by output name; they must fit. Views will do.

        An output may share memory with an input where the artifact allows it (`laic-inspect` says `may alias`): a key-value cache grows
        in place when a longer view of the array that its input is a view of is given for the output.

        A sequence is a list of arrays, an absent optional None: their elements travel as `name/0`, `name/1`, ... A map is a dict, a
        sequence of maps a list of dicts: they travel as `name/keys` and `name/values`.
        """
        api, context = runtime(), self._context().handle
        self._check_outputs(out or {})
        feed = _flat(self._without_maps(feed), {t.name for t in self.inputs})
        unknown = feed.keys() - {t.name for t in self.inputs}
        if unknown:
            raise InvalidArgumentError(f"no input '{sorted(unknown)[0]}'; this model has {self._names(self.inputs)}")
        bound = []
        for index, (tensor, number) in enumerate(zip(self.inputs, self._input_types)):
            if tensor.name not in feed:
                raise InvalidArgumentError(f"input '{tensor.name}' is missing; this model has {self._names(self.inputs)}")
            bound.append(_binding(self._carrier(tensor, number, feed[tensor.name]), number))
            api.check(api.bind_input(context, index, byref(bound[-1])))
        for index, (tensor, number) in enumerate(zip(self.outputs, self._output_types)):
            if out and tensor.name in out:
                bound.append(self._writable(tensor, number, out[tensor.name]))
            else:
                bound.append(Binding(type=number, rank=len(tensor.shape)))
            api.check(api.bind_output(context, index, byref(bound[-1])))
        api.check(api.run(context))
        return self._with_maps(_nested({t.name: out[t.name] if out and t.name in out else self._read(context, index, t, number)
                                        for index, (t, number) in enumerate(zip(self.outputs, self._output_types))}))

    def bind(self, feed, out=None):
        """Fixes inputs (whose arrays may be changed in place between calls) and outputs: arrays of the caller's as in run, others are
        allocated; see BoundCall."""
        return BoundCall(self, feed, out or {})

    def _context(self):
        if not hasattr(self._local, "context"):
            self._local.context = _Context(self._module, self._pool, self._device)
        return self._local.context

    def _without_maps(self, feed):
        """The feed with keys and values where it has dicts."""
        flat = {}
        for name, value in feed.items():
            if name in self._input_maps and isinstance(value, dict):
                flat[f"{name}/keys"] = _vector(list(value.keys()), self._input_maps[name][0].dtype)
                flat[f"{name}/values"] = _vector(list(value.values()), self._input_maps[name][1].dtype)
            elif name in self._input_maps:
                raise InvalidArgumentError(f"input '{name}': expects a dict, got {type(value).__name__}")
            else:
                flat[name] = value
        return flat

    def _with_maps(self, results):
        """The results with a dict, or a list of them, where they have keys and values."""
        nested = {}
        for name, value in results.items():
            owner, _, part = name.rpartition("/")
            if owner not in self._output_maps or part not in ("keys", "values"):
                nested[name] = value
            elif part == "keys":
                keys, values = value.tolist(), results[f"{owner}/values"].tolist()
                is_one = len(self._output_maps[owner][1].shape) == 1
                nested[owner] = dict(zip(keys, values)) if is_one else [dict(zip(keys, row)) for row in values]
        return nested

    def _check_outputs(self, out):
        unknown = out.keys() - {t.name for t in self.outputs}
        if unknown:
            raise InvalidArgumentError(f"out: no output '{sorted(unknown)[0]}'; this model has {self._names(self.outputs)}")

    @staticmethod
    def _names(tensors):
        return ", ".join(f"'{t.name}'" for t in tensors) or "none"

    @staticmethod
    def _carrier(tensor, number, value):
        if tensor.dtype is None:
            raise UnsupportedError(f"input '{tensor.name}': type {tensor.type} has no numpy form here")
        array = np.asarray(value)
        carrier = _types.as_type(array, number)
        if carrier is None:
            wanted = "str or bytes" if number == _types.STRING else tensor.dtype
            raise InvalidArgumentError(f"input '{tensor.name}': expects {wanted}, got {array.dtype}")
        if carrier.ndim != len(tensor.shape):
            raise InvalidArgumentError(f"input '{tensor.name}': expects rank {len(tensor.shape)}, got shape {carrier.shape}")
        return carrier if carrier.flags.c_contiguous or _is_bindable(carrier) else np.ascontiguousarray(carrier)

    @staticmethod
    def _writable(tensor, number, array):
        if number == _types.STRING:
            raise InvalidArgumentError(f"out['{tensor.name}']: strings cannot be written into an array of the caller's")
        if array.dtype != tensor.dtype or not _is_bindable(array) or not array.flags.writeable:
            raise InvalidArgumentError(f"out['{tensor.name}'] must be a writable array of {tensor.dtype}, with strides of whole elements that are not negative")
        return _binding(array, number)

    @staticmethod
    def _read(context, index, tensor, number):
        binding = Binding()
        runtime().check(runtime().output(context, index, byref(binding)))
        shape = tuple(binding.sizes[i] for i in range(binding.rank))
        result = np.empty(shape, _types.memory_type(number))
        if result.size == 0:
            return result.astype(tensor.dtype)
        strides = None
        if binding.strides:
            strides = tuple(binding.strides[i] * result.itemsize for i in range(binding.rank))
        span = result.nbytes if strides is None else result.itemsize + sum((n - 1) * s for n, s in zip(shape, strides))
        memory = (ctypes.c_byte * span).from_address(binding.data)
        result[...] = np.ndarray(shape, result.dtype, memory, strides=strides)
        return _types.texts(result) if number == _types.STRING else result


class BoundCall:
    """Inputs and outputs bound once, for calls that copy and allocate nothing: `call = model.bind(feed); call()`.

    inputs, outputs  {name: array}; calling reads the inputs as they are then and overwrites the outputs. Belongs to one thread.
    """

    def __init__(self, model, feed, out):
        if _types.STRING in model._input_types + model._output_types:
            raise UnsupportedError("strings cannot be bound once: call the model")
        api = runtime()
        model._check_outputs(out)
        self._context = _Context(model._module, model._pool, model._device)
        self._keep, self.inputs, self.outputs = [model], {}, {}
        handle = self._context.handle
        for index, (tensor, number) in enumerate(zip(model.inputs, model._input_types)):
            if tensor.name not in feed:
                raise InvalidArgumentError(f"input '{tensor.name}' is missing; this model has {model._names(model.inputs)}")
            self.inputs[tensor.name] = model._carrier(tensor, number, feed[tensor.name])
            self._keep.append(_binding(self.inputs[tensor.name], number))
            api.check(api.bind_input(handle, index, byref(self._keep[-1])))
        api.check(api.infer(handle))
        for index, (tensor, number) in enumerate(zip(model.outputs, model._output_types)):
            binding = Binding()
            api.check(api.output(handle, index, byref(binding)))
            array = out.get(tensor.name)
            self.outputs[tensor.name] = np.empty(binding.sizes[:binding.rank] if binding.rank else (), tensor.dtype) if array is None else array
            self._keep.append(model._writable(tensor, number, self.outputs[tensor.name]))
            api.check(api.bind_output(handle, index, byref(self._keep[-1])))

    def __call__(self):
        """Runs once and returns `outputs`."""
        api = runtime()
        api.check(api.run(self._context.handle))
        return self.outputs


def _maps(tensors, ranks):
    """{name: (keys, values)} of the maps among inputs or outputs: two neighbours, `name/keys`, a vector of integers or strings, and
    `name/values`, as many values: a vector for a map, rows of a matrix for a sequence of maps. ranks: those that values may have."""
    found = {}
    for keys, values in zip(tensors, tensors[1:]):
        name = keys.name.removesuffix("/keys")
        is_pair = name != keys.name and values.name == f"{name}/values"
        if is_pair and keys.type in ("i64", "str") and len(values.shape) in ranks and keys.shape == values.shape[-1:]:
            found[name] = (keys, values)
    return found


def _vector(items, dtype):
    """The numbers or strings of a dict in this type, if that loses no more than accuracy."""
    array = np.array(items, object if dtype == object else None)
    is_empty = array.size == 0
    return array.astype(dtype) if is_empty or np.can_cast(array.dtype, dtype, "same_kind") else array


def _flat(feed, names):
    """Sequences by element, `name/0`, `name/1`, ..., where `name` itself is no input; an absent optional is left out."""
    flat = {}
    for name, value in feed.items():
        if name not in names and isinstance(value, list):
            flat.update({f"{name}/{i}": v for i, v in enumerate(value)})
        elif name in names or value is not None:
            flat[name] = value
    return flat


def _nested(results):
    """The other way round: an output `name/len` says that `name` is a sequence."""
    lengths = {name.removesuffix("/len"): int(value) for name, value in results.items() if name.endswith("/len")}
    parts = {f"{name}/{i}": name for name, length in lengths.items() for i in range(length)}
    nested = {}
    for name, value in results.items():
        if name in parts:
            nested.setdefault(parts[name], []).append(value)
        elif name.endswith("/len"):
            nested.setdefault(name.removesuffix("/len"), [])
        else:
            nested[name] = value
    return nested


def _aligned(data):
    """A copy of data that starts on a page, as loading from memory asks for."""
    size = len(data) if isinstance(data, (bytes, bytearray)) else data.nbytes
    buffer = np.empty(size + PAGE, np.uint8)
    begin = -buffer.ctypes.data % PAGE
    buffer[begin:begin + size] = np.frombuffer(data, np.uint8)
    return buffer[begin:begin + size]


def load(path, *, threads=None, device=None, verify="full"):
    """Loads an artifact made by `laic` or laic.compile; see Model."""
    return Model(path, threads=threads, device=device, verify=verify)

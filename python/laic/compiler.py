"""Compiling ONNX models from Python: liblaic.so behind one function."""
import ctypes
import os
import tempfile
import zipfile
from collections.abc import Mapping
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from functools import lru_cache

import numpy as np

from . import errors
from ._library import declare, open_library
from .model import Model

SEVERITIES = {0: "error", 1: "warning", 2: "remark"}
FAILURES = {1: errors.CompileError, 2: errors.UsageError, 3: errors.CompileCancelled, 70: errors.CompilerDefect}


class _Diagnostic(Structure):
    _fields_ = [("struct_size", c_size_t), ("severity", c_int), ("message", c_char_p), ("note", c_char_p)]


_DiagnosticFn = CFUNCTYPE(None, c_void_p, POINTER(_Diagnostic))
_ProgressFn = CFUNCTYPE(c_int, c_void_p, c_char_p, c_uint64, c_uint64)


class _Compiler:
    """The functions of liblaic.so with their types."""

    def __init__(self):
        library = open_library("liblaic.so")

        def function(name, result, *arguments):
            setattr(self, name, declare(library, "laic_" + name, result, *arguments))

        function("compiler_version", c_char_p)
        function("compile_options_create", c_void_p)
        function("compile_options_destroy", None, c_void_p)
        function("compile_options_set", c_int, c_void_p, c_char_p, c_char_p)
        function("compile_options_set_diagnostics", None, c_void_p, _DiagnosticFn, c_void_p)
        function("compile_options_set_progress", None, c_void_p, _ProgressFn, c_void_p)
        function("compile_file", c_int, c_void_p, c_char_p, c_char_p, POINTER(c_void_p))
        function("compile_memory", c_int, c_void_p, c_void_p, c_size_t, c_char_p, c_char_p, c_char_p, POINTER(c_void_p))
        function("compile_result_destroy", None, c_void_p)
        function("compile_result_data", c_void_p, c_void_p)
        function("compile_result_size", c_size_t, c_void_p)
        function("compile_result_dependency_count", c_size_t, c_void_p)
        function("compile_result_dependency", c_char_p, c_void_p, c_size_t)
        function("compile_result_explanation", c_char_p, c_void_p)
        function("compile_result_quantization", c_char_p, c_void_p)


@lru_cache(maxsize=None)
def _compiler():
    return _Compiler()


def version():
    """The compiler's version, "0.1.0"."""
    return _compiler().compiler_version().decode()


class Compilation:
    """What one compilation left: `artifact` (bytes, or None when it went into a file), `diagnostics`, `dependencies` (files that
    were read), `explanation` (with explain=True) and `quantization` (with quantize=...: what was done and what it cost)."""

    def __init__(self, artifact, diagnostics, dependencies, explanation, quantization=""):
        self.artifact, self.diagnostics, self.dependencies = artifact, diagnostics, dependencies
        self.explanation, self.quantization = explanation, quantization


def _settings(target, cpu, dims, options):
    """(key, value) pairs in the order in which they are set."""
    yield "target", target if isinstance(target, str) else ",".join(target)
    if cpu is not None:
        yield "cpu", cpu if isinstance(cpu, str) else ",".join(cpu)
    for name, value in (dims or {}).items():
        yield "dim", f"{name}={int(value)}"
    for key, value in options.items():
        if value is not None:
            yield key.replace("_", "-"), str(int(value)) if isinstance(value, bool) else str(value)


def _call(api, options, model, folder, name, output, result):
    """Hands the model over in the form it has: a path, bytes or a ModelProto."""
    target = os.fsencode(output) if output is not None else None
    if isinstance(model, (str, os.PathLike)):
        return api.compile_file(options, os.fsencode(model), target, byref(result))
    data = model if isinstance(model, bytes) else bytes(model) if isinstance(model, (bytearray, memoryview)) else None
    if data is None:
        if not hasattr(model, "SerializeToString"):
            raise TypeError(f"model must be a path, bytes or an onnx.ModelProto, got {type(model).__name__}")
        data = model.SerializeToString()
    buffer = ctypes.cast(ctypes.c_char_p(data), c_void_p)
    return api.compile_memory(options, buffer, len(data), name.encode() if name else None,
                              os.fsencode(folder) if folder is not None else None, target, byref(result))


def compile_artifact(model, *, target="cpu", cpu=None, dims=None, output=None, folder=None, name=None, progress=None, **options):
    """Compiles without loading; see compile(). Returns a Compilation."""
    if isinstance(options.get("calibration"), Mapping):
        with tempfile.TemporaryDirectory() as temporary:
            samples = os.path.join(temporary, "calibration.npz")
            with zipfile.ZipFile(samples, "w") as archive:  # what numpy.savez does, for any names
                for key, array in options["calibration"].items():
                    with archive.open(f"{key}.npy", "w", force_zip64=True) as file:
                        np.lib.format.write_array(file, np.asarray(array, order="C"), allow_pickle=False)
            return compile_artifact(model, target=target, cpu=cpu, dims=dims, output=output, folder=folder, name=name, progress=progress,
                                    **{**options, "calibration": samples})
    api, diagnostics = _compiler(), []

    def diagnose(_, diagnostic):
        d = diagnostic.contents
        diagnostics.append(errors.Diagnostic(SEVERITIES.get(d.severity, "error"), (d.message or b"").decode(errors="replace"),
                                             (d.note or b"").decode(errors="replace")))

    def advance(_, phase, done, total):
        return 1 if progress(phase.decode(), done, total) is False else 0

    handle, result = api.compile_options_create(), c_void_p()
    if not handle:
        raise errors.OutOfMemoryError("no memory for compile options")
    on_diagnostic, on_progress = _DiagnosticFn(diagnose), _ProgressFn(advance) if progress else None
    try:
        api.compile_options_set_diagnostics(handle, on_diagnostic, None)
        if on_progress:
            api.compile_options_set_progress(handle, on_progress, None)
        for key, value in _settings(target, cpu, dims, options):
            if api.compile_options_set(handle, key.encode(), value.encode()):
                raise errors.UsageError(diagnostics or [errors.Diagnostic("error", f"unknown option '{key}'")])
        code = _call(api, handle, model, folder, name, output, result)
        if code:
            raise FAILURES.get(code, errors.CompileError)(diagnostics)
        data, size = api.compile_result_data(result), api.compile_result_size(result)
        return Compilation(
            artifact=ctypes.string_at(data, size) if data else None, diagnostics=diagnostics,
            dependencies=[api.compile_result_dependency(result, i).decode(errors="surrogateescape")
                          for i in range(api.compile_result_dependency_count(result))],
            explanation=(api.compile_result_explanation(result) or b"").decode(errors="replace"),
            quantization=(api.compile_result_quantization(result) or b"").decode(errors="replace"))
    finally:
        api.compile_result_destroy(result)
        api.compile_options_destroy(handle)


def compile(model, *, target="cpu", cpu=None, dims=None, output=None, folder=None, name=None, progress=None, threads=None,
            device=None, **options):
    """Compiles an ONNX model and loads the artifact.

    model     a path, the bytes of a model, or an onnx.ModelProto
    target    "cpu" or several: ["cpu", "cuda"]
    cpu       feature levels, as the command line's --cpu: "native", "x86-64-v3,x86-64-v4"
    dims      {symbolic dim: size}; dims that are not named stay dynamic
    output    where the artifact is kept; None: in memory
    folder    where external data of a model in memory is looked up
    progress  called as progress(phase, done, total); returning False stops
    threads, device   as for laic.load
    options   any other option of the `laic` command, with _ for -: external_data_root=..., explain=True. `calibration` may also be a dict of
              arrays: quantize="int8", calibration={"image": samples}

    Raises CompileError with .diagnostics. Returns a Model; with emit="onnx" or another kind that is no artifact there is nothing to
    load, and the Compilation is returned: its `artifact` holds the bytes where there is no output.
    """
    made = compile_artifact(model, target=target, cpu=cpu, dims=dims, output=output, folder=folder, name=name,
                            progress=progress, **options)
    if options.get("emit", "artifact") not in (None, "artifact"):
        return made
    loaded = Model(output if output is not None else made.artifact, threads=threads, device=device)
    loaded.compilation = made
    return loaded

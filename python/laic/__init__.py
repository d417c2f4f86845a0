"""laic, the Local AI Compiler: compiles ONNX models ahead of time and runs the artifacts.

    import laic
    model = laic.compile("model.onnx")            # or laic.load("model.bin")
    logits = model(image)                         # numpy in, numpy out; by name: model(image=image)
"""
from .compiler import Compilation, compile, compile_artifact
from .errors import (Cancelled, CompileCancelled, CompileError, CompilerDefect, DataError, DeviceError, Diagnostic, Error,
                     FileError, InvalidArgumentError, InvalidArtifactError, OutOfMemoryError, UnsupportedError, UsageError)
from .model import Model, Tensor, load

__version__ = "0.1.0"
__all__ = ["Cancelled", "Compilation", "CompileCancelled", "CompileError", "CompilerDefect", "DataError", "DeviceError",
           "Diagnostic", "Error", "FileError", "InvalidArgumentError", "InvalidArtifactError", "Model", "OutOfMemoryError",
           "Tensor", "UnsupportedError", "UsageError", "compile", "compile_artifact", "load"]

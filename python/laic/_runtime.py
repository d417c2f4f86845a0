"""ctypes declarations of laic/runtime.h; no policy here."""
import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from functools import lru_cache

from . import errors
from ._library import declare, open_library

MAX_RANK = 16
VERIFY = {"full": 0, "structure": 1}
ERRORS = {1: errors.InvalidArgumentError, 2: errors.InvalidArtifactError, 3: errors.UnsupportedError,
          4: errors.OutOfMemoryError, 5: errors.FileError, 6: errors.DataError, 7: errors.DeviceError, 8: errors.Cancelled}


class Sized(Structure):
    """A struct that says its own size, as the interface asks for."""

    def __init__(self, **fields):
        super().__init__(**fields)
        self.struct_size = ctypes.sizeof(self)


class ModuleOptions(Sized):
    _fields_ = [("struct_size", c_size_t), ("verify", c_int), ("allocator", c_void_p)]


class TensorInfo(Sized):
    _fields_ = [("struct_size", c_size_t), ("name", c_char_p), ("type", c_int), ("rank", c_int32),
                ("dims", c_int64 * MAX_RANK), ("symbols", c_char_p * MAX_RANK)]


class PoolOptions(Sized):
    _fields_ = [("struct_size", c_size_t), ("threads", c_uint32), ("allocator", c_void_p)]


class ContextOptions(Sized):
    _fields_ = [("struct_size", c_size_t), ("pool", c_void_p), ("device", c_char_p), ("allocator", c_void_p)]


class Binding(Sized):
    _fields_ = [("struct_size", c_size_t), ("data", c_void_p), ("type", c_int), ("rank", c_int32),
                ("sizes", POINTER(c_int64)), ("strides", POINTER(c_int64)), ("capacity", c_size_t)]


class MemoryInfo(Sized):
    _fields_ = [("struct_size", c_size_t), ("arena_bytes", c_uint64), ("workspace_bytes", c_uint64), ("allocations", c_uint64)]


class Runtime:
    """The functions of liblaic_runtime.so with their types. Fallible ones return a status pointer for check()."""

    def __init__(self):
        library = open_library("liblaic_runtime.so")
        out = POINTER(c_void_p)

        def function(name, result, *arguments):
            setattr(self, name, declare(library, "laic_" + name, result, *arguments))

        function("status_code", c_int, c_void_p)
        function("status_message", c_char_p, c_void_p)
        function("status_free", None, c_void_p)
        function("type_name", c_char_p, c_int)
        function("module_load", c_void_p, c_char_p, POINTER(ModuleOptions), out)
        function("module_load_memory", c_void_p, c_void_p, c_size_t, POINTER(ModuleOptions), out)
        function("module_release", None, c_void_p)
        function("module_input_count", c_size_t, c_void_p)
        function("module_output_count", c_size_t, c_void_p)
        function("module_input", c_void_p, c_void_p, c_size_t, POINTER(TensorInfo))
        function("module_output", c_void_p, c_void_p, c_size_t, POINTER(TensorInfo))
        function("module_may_alias", c_int, c_void_p, c_size_t, c_size_t)
        function("module_explain", c_char_p, c_void_p)
        function("pool_create", c_void_p, POINTER(PoolOptions), out)
        function("pool_release", None, c_void_p)
        function("context_create", c_void_p, c_void_p, POINTER(ContextOptions), out)
        function("context_release", None, c_void_p)
        function("bind_input", c_void_p, c_void_p, c_size_t, POINTER(Binding))
        function("bind_output", c_void_p, c_void_p, c_size_t, POINTER(Binding))
        function("infer", c_void_p, c_void_p)
        function("run", c_void_p, c_void_p)
        function("output", c_void_p, c_void_p, c_size_t, POINTER(Binding))
        function("cancel", None, c_void_p)
        function("context_memory", None, c_void_p, POINTER(MemoryInfo))

    def check(self, status):
        """Raises what a status says; NULL is success."""
        if not status:
            return
        code, message = self.status_code(status), self.status_message(status).decode(errors="replace")
        self.status_free(status)
        raise ERRORS.get(code, errors.Error)(message)

    def create(self, function, *arguments):
        """Calls a function whose last parameter is an out-pointer and returns what it made."""
        out = c_void_p()
        self.check(function(*arguments, byref(out)))
        return out.value


@lru_cache(maxsize=None)
def runtime():
    return Runtime()

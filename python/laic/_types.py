"""Element types: runtime numbers (those of onnx.TensorProto.DataType) and the numpy types that carry them.

Types that numpy lacks come as ml_dtypes when that package is there, otherwise as bits (u2 or u1) or, four- and two-bit integers, as
their values in i1 or u1. The runtime sees one byte per element of those: the value, with its sign.
"""
import ctypes

import numpy as np

try:
    import ml_dtypes
except ImportError:  # bits are fine
    ml_dtypes = None

STRING = 8
_PLAIN = {1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8", 12: "u4", 13: "u8"}
_EXTENDED = {16: ("bfloat16", "u2"), 17: ("float8_e4m3fn", "u1"), 18: ("float8_e4m3fnuz", "u1"), 19: ("float8_e5m2", "u1"),
             20: ("float8_e5m2fnuz", "u1"), 21: ("uint4", "u1"), 22: ("int4", "i1"), 23: ("float4_e2m1fn", "u1"),
             24: ("float8_e8m0fnu", "u1"), 25: ("uint2", "u1"), 26: ("int2", "i1")}
_INTEGERS = (21, 22, 25, 26)


def numpy_type(number):
    """The numpy dtype of a runtime type, object for strings; None for unknown ones."""
    if number == STRING:
        return np.dtype(object)
    if number in _PLAIN:
        return np.dtype(_PLAIN[number])
    if number in _EXTENDED:
        name, bits = _EXTENDED[number]
        return np.dtype(getattr(ml_dtypes, name, bits) if ml_dtypes else bits)
    return None


def as_type(array, number):
    """An array with the bytes that the runtime wants for `number`, made from its numpy type, bits or values; else None."""
    wanted = numpy_type(number)
    if number == STRING:
        return _descriptors(array)
    name, bits = _EXTENDED.get(number, (None, None))
    if wanted is None:
        return None
    if number in _INTEGERS:  # ml_dtypes leaves open what the upper bits of an element are
        return array.astype(bits) if array.dtype.name == name else array if array.dtype == np.dtype(bits) else None
    if array.dtype == wanted:
        return array
    if bits and array.dtype == np.dtype(bits):
        return array.view(wanted)
    return None


class Descriptors(np.ndarray):
    """Strings as the runtime has them: address and length, 16 bytes. `text` holds the bytes."""

    text = None


_DESCRIPTOR = np.dtype([("data", "u8"), ("size", "u8")])


def _descriptors(array):
    """The descriptors of an array of str or bytes; None for one of anything else."""
    if array.dtype.kind not in "OSU":
        return None
    items = array.ravel().tolist()
    if not all(isinstance(item, (str, bytes)) for item in items):
        return None
    encoded = [item if isinstance(item, bytes) else item.encode("utf-8", "surrogateescape") for item in items]
    result = np.empty(array.shape, _DESCRIPTOR).view(Descriptors)
    result.text = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)
    sizes = np.array([len(item) for item in encoded], np.uint64)
    result["size"] = sizes.reshape(array.shape)
    starts = np.cumsum(sizes, dtype=np.uint64) - sizes
    result["data"] = (starts + np.uint64(result.text.ctypes.data)).reshape(array.shape)
    return result


def texts(array):
    """The str of each descriptor; bytes that are no UTF-8 come as surrogates."""
    result = np.empty(array.size, object)
    for i, (data, size) in enumerate(array.ravel().tolist()):
        result[i] = ctypes.string_at(data, size).decode("utf-8", "surrogateescape") if size else ""
    return result.reshape(array.shape)


def memory_type(number):
    """The numpy dtype of an element in the runtime's memory."""
    return _DESCRIPTOR if number == STRING else numpy_type(number)

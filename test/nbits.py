"""Models of one MatMulNBits of 4 bits, and what it computes: exactly, and with rows rounded to bytes (docs/Numerics.md)."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BITS = 4


def pack(values):
    """Two integers of the last dim a byte, low ones first; an odd one is alone."""
    values = np.concatenate([values, np.zeros((*values.shape[:-1], values.shape[-1] % 2), np.uint8)], axis=-1)
    return values[..., ::2] | values[..., 1::2] << BITS


class Product:
    """x [m, k] times the transpose of a random matrix [n, k]."""

    def __init__(self, k, n, block=32, zeros=False, seed=0):
        rng = np.random.default_rng(seed)
        self.k, self.n, self.block = k, n, block
        self.q = rng.integers(0, 1 << BITS, (n, k), dtype=np.uint8)
        self.scales = rng.uniform(0.01, 0.1, (n, k // block)).astype(np.float32)
        self.zeros = rng.integers(0, 1 << BITS, self.scales.shape, dtype=np.uint8) if zeros else None

    def save(self, path, rows=None, **attributes):
        """`rows`: known when compiling, or None."""
        constants = {"b": pack(self.q.reshape(self.n, -1, self.block)), "s": self.scales}
        if self.zeros is not None:
            constants["z"] = pack(self.zeros)
        node = helper.make_node("MatMulNBits", ["x", *constants], ["y"], domain="com.microsoft",
                                **{"K": self.k, "N": self.n, "bits": BITS, "block_size": self.block, "accuracy_level": 4, **attributes})
        graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, self.k])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, self.n])],
                                  [numpy_helper.from_array(array, name) for name, array in constants.items()])
        domains = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=domains, ir_version=10), path)

    def weights(self):
        zeros = np.full(self.scales.shape, 1 << (BITS - 1)) if self.zeros is None else self.zeros.astype(int)
        centred = self.q.reshape(self.n, -1, self.block) - zeros[..., None]
        return (centred * self.scales.astype(np.float64)[..., None]).reshape(self.n, self.k)

    def exact(self, x):
        return x.astype(np.float64) @ self.weights().T

    def rounded(self, x):
        """With each block of a row as bytes times a scale."""
        blocks = x.reshape(len(x), -1, self.block)
        largest = np.abs(blocks).max(axis=2, keepdims=True)
        scale, inverse = largest / np.float32(127), np.float32(127) / np.maximum(largest, np.float32(1e-36))
        return self.exact((np.rint(blocks * inverse) * scale.astype(np.float64)).reshape(x.shape))

    def magnitude(self, x):
        """Of the terms of each sum: q and zero points apart, since their products are added up apart."""
        zeros = np.full(self.scales.shape, 1 << (BITS - 1)) if self.zeros is None else self.zeros
        terms = (self.q.reshape(self.n, -1, self.block) + zeros[..., None].astype(int)) * self.scales[..., None]
        return np.abs(x).astype(np.float64) @ terms.reshape(self.n, self.k).T

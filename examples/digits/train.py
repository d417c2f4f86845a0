#!/usr/bin/env python3
"""Trains the small convolutional network of the demo and exports it to ONNX.

usage: train.py [-o DIR]        writes digits.onnx and digits.npz (default: beside this script)

Data: the 1,797 handwritten digits (8x8 pixels, 17 grey levels) that scikit-learn ships; nothing is downloaded. A fifth is held
out: it takes no part in training or in any choice, and goes into digits.npz with its labels. The network is

    image [N,1,8,8] - Conv 3x3 - Relu - MaxPool - Conv 3x3 - Relu - MaxPool - Flatten - Gemm - logits [N,10] - Softmax

Training is plain numpy: Adam on the cross entropy, images shifted by up to one pixel. Needs requirements-train.txt, 1 minute.
"""
import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

SEED = 7
CHANNELS = (16, 32)
EPOCHS = 60
BATCH = 64
RATE = 2e-3
HELD_OUT = 0.2


def windows(x):
    """All 3x3 windows of x [N,C,H,W] padded by one: [N,H,W,C*9]."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.ascontiguousarray(view.transpose(0, 2, 3, 1, 4, 5)).reshape(*x.shape[:1], *x.shape[2:], -1)


def scatter_windows(grad, channels):
    """The adjoint of windows()."""
    n, h, w, _ = grad.shape
    grad = grad.reshape(n, h, w, channels, 3, 3)
    out = np.zeros((n, channels, h + 2, w + 2), np.float32)
    for y in range(3):
        for x in range(3):
            out[:, :, y:y + h, x:x + w] += grad[:, :, :, :, y, x].transpose(0, 3, 1, 2)
    return out[:, :, 1:-1, 1:-1]


class ConvReluPool:
    """Conv 3x3 (padding 1), Relu, MaxPool 2x2, with what backward() needs kept from forward()."""

    def __init__(self, rng, inputs, outputs):
        self.inputs = inputs
        self.weight = (rng.standard_normal((outputs, inputs, 3, 3)) * np.sqrt(2 / (9 * inputs))).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def parameters(self):
        return [self.weight, self.bias]

    def forward(self, x):
        self.columns = windows(x)
        y = np.maximum(self.columns @ self.weight.reshape(len(self.weight), -1).T + self.bias, 0)
        n, h, w, c = y.shape
        tiles = y.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)
        self.winner, self.shape = tiles.argmax(-1), y.shape
        pooled = tiles.max(-1)
        self.active = pooled > 0
        return pooled.transpose(0, 3, 1, 2)

    def backward(self, grad):
        n, h, w, c = self.shape
        grad = grad.transpose(0, 2, 3, 1) * self.active
        tiles = np.zeros((*grad.shape, 4), np.float32)
        np.put_along_axis(tiles, self.winner[..., None], grad[..., None], -1)
        full = tiles.reshape(n, h // 2, w // 2, c, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(n * h * w, c)
        flat = self.columns.reshape(n * h * w, -1)
        gradients = [(full.T @ flat).reshape(self.weight.shape), full.sum(0)]
        columns = (full @ self.weight.reshape(c, -1)).reshape(n, h, w, -1)
        return scatter_windows(columns, self.inputs), gradients


class Network:
    def __init__(self, rng):
        self.layers = [ConvReluPool(rng, 1, CHANNELS[0]), ConvReluPool(rng, CHANNELS[0], CHANNELS[1])]
        features = CHANNELS[1] * 4
        self.weight = (rng.standard_normal((10, features)) / np.sqrt(features)).astype(np.float32)
        self.bias = np.zeros(10, np.float32)

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()] + [self.weight, self.bias]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        self.features = x.reshape(len(x), -1)
        return self.features @ self.weight.T + self.bias

    def backward(self, grad):
        gradients = [grad.T @ self.features, grad.sum(0)]
        grad = (grad @ self.weight).reshape(len(grad), CHANNELS[1], 2, 2)
        for layer in reversed(self.layers):
            grad, own = layer.backward(grad)
            gradients = own + gradients
        return gradients


def train(images, labels, rng):
    network = Network(rng)
    parameters = network.parameters()
    first, second = [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]
    step, steps = 0, EPOCHS * -(-len(images) // BATCH)
    for epoch in range(EPOCHS):
        order, loss = rng.permutation(len(images)), 0.0
        for begin in range(0, len(order), BATCH):
            chosen = order[begin:begin + BATCH]
            dy, dx = rng.integers(-1, 2, 2)
            x = np.roll(np.pad(images[chosen], ((0, 0), (0, 0), (1, 1), (1, 1))), (dy, dx), (2, 3))[:, :, 1:-1, 1:-1]
            logits = network.forward(np.ascontiguousarray(x))
            p = np.exp(logits - logits.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            loss -= np.log(p[np.arange(len(chosen)), labels[chosen]]).sum()
            p[np.arange(len(chosen)), labels[chosen]] -= 1
            step += 1
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for value, grad, m, v in zip(parameters, network.backward(p / len(chosen)), first, second):
                m += 0.1 * (grad - m)
                v += 0.001 * (grad * grad - v)
                value -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d}: loss {loss / len(images):.4f}")
    return network


def export(network, path):
    """The network as an ONNX model with a dynamic batch dim N."""
    names = ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias"]
    initializers = [numpy_helper.from_array(p, name) for name, p in zip(names, network.parameters())]
    nodes, value = [], "image"
    for layer in ("1", "2"):
        nodes += [
            helper.make_node("Conv", [value, f"conv{layer}.weight", f"conv{layer}.bias"], [f"c{layer}"], f"conv{layer}",
                             kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"], f"relu{layer}"),
            helper.make_node("MaxPool", [f"r{layer}"], [f"p{layer}"], f"pool{layer}", kernel_shape=[2, 2], strides=[2, 2]),
        ]
        value = f"p{layer}"
    nodes += [
        helper.make_node("Flatten", [value], ["features"], "flatten", axis=1),
        helper.make_node("Gemm", ["features", "fc.weight", "fc.bias"], ["logits"], "fc", transB=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes, "digits", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10]),
         helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="laic examples/digits")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    data = load_digits()
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(data.target))
    held, used = np.split(order, [int(HELD_OUT * len(order))])
    images = (data.images[:, None] / 16).astype(np.float32)
    network = train(images[used], data.target[used], rng)
    for name, part in (("trained on", used), ("held out", held)):
        right = (network.forward(images[part]).argmax(1) == data.target[part]).mean()
        print(f"{name}: {100 * right:.2f} % of {len(part)} images right")
    options.output.mkdir(parents=True, exist_ok=True)
    export(network, options.output / "digits.onnx")
    np.savez_compressed(options.output / "digits.npz", images=data.images[held].astype(np.uint8), labels=data.target[held].astype(np.uint8))


if __name__ == "__main__":
    main()

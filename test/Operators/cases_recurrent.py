"""LSTM, GRU and RNN."""
from case import Case, Const, f16, f32, np

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def layer(op, steps=5, batch=3, inputs=4, hidden=6, bias=True, lens=None, h0=False, c0=False, peephole=False, make=f32, name="",
          keep=(), **attrs):
    directions = 2 if attrs.get("direction") == "bidirectional" else 1
    rows = GATES[op] * hidden
    x = make(batch, steps, inputs) if attrs.get("layout") else make(steps, batch, inputs)
    state = (batch, directions, hidden) if attrs.get("layout") else (directions, batch, hidden)

    def weight(*shape, seed):
        return Const(make(*shape, seed=seed, low=-0.5, high=0.5))

    operands = [x, weight(directions, rows, inputs, seed=1), weight(directions, rows, hidden, seed=2),
                weight(directions, 2 * rows, seed=3) if bias else None,
                None if lens is None else np.asarray(lens, np.int32),
                make(*state, seed=4) if h0 else None]
    if op == "LSTM":
        operands += [make(*state, seed=5) if c0 else None, weight(directions, 3 * hidden, seed=6) if peephole else None]
    attrs["hidden_size"] = hidden
    shown = " ".join(f"{k}={v}" for k, v in attrs.items() if k != "hidden_size")
    title = name or " ".join(filter(None, [f"{steps}x{batch}x{inputs}->{hidden}", "" if bias else "no bias", lens and f"lens {lens}",
                                           h0 and "h0", c0 and "c0", peephole and "peephole", shown]))
    # onnxruntime refuses layout 1; the reference evaluator knows it.
    return Case(op, operands, attrs, outputs=3 if op == "LSTM" else 2, name=title, keep=(inputs, hidden, directions) + keep,
                oracle="onnx" if attrs.get("layout") else "ort", rtol=1e-3, atol=1e-4)


def variants(op):
    yield layer(op)
    yield layer(op, bias=False)
    yield layer(op, direction="reverse")
    yield layer(op, direction="bidirectional")
    yield layer(op, h0=True, c0=True)
    yield layer(op, lens=[5, 2, 3])
    yield layer(op, lens=[5, 2, 3], direction="reverse", h0=True)
    yield layer(op, lens=[4, 1, 3], direction="bidirectional", h0=True, c0=True)
    yield layer(op, batch=1, hidden=20)
    yield layer(op, batch=9, hidden=33, inputs=7)
    yield layer(op, steps=1, batch=1)
    yield layer(op, clip=0.4)
    yield layer(op, hidden=64, inputs=40, steps=11, batch=2)


CASES = [case for op in GATES for case in variants(op)]
CASES += [
    layer("LSTM", peephole=True), layer("LSTM", peephole=True, direction="bidirectional", h0=True, c0=True),
    layer("LSTM", input_forget=1), layer("LSTM", layout=1), layer("LSTM", layout=1, h0=True, c0=True),
    layer("LSTM", activations=["HardSigmoid", "Softsign", "Relu"]),
    layer("LSTM", activations=["Sigmoid", "Elu", "Tanh"], activation_alpha=[0.7]),
    layer("GRU", linear_before_reset=1), layer("GRU", linear_before_reset=1, bias=False), layer("GRU", linear_before_reset=1, hidden=40, batch=6, direction="bidirectional"),
    layer("GRU", layout=1, h0=True), layer("GRU", activations=["HardSigmoid", "LeakyRelu"], activation_alpha=[0.3, 0.05], activation_beta=[0.4]),
    layer("RNN", activations=["Relu"]), layer("RNN", activations=["Softplus"]), layer("RNN", activations=["Affine"], activation_alpha=[0.5], activation_beta=[0.1]),
    layer("RNN", activations=["ScaledTanh"], activation_alpha=[1.5], activation_beta=[0.7]), layer("RNN", layout=1),
]

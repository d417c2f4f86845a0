"""The structured operations whose results have a size that only the data tells, each compiled alone from its form after fusion."""
import subprocess

import ml_dtypes
import numpy as np
import pytest
from locations import BUILD

TYPES = {"f32": np.float32, "f64": np.float64, "f16": np.float16, "bf16": ml_dtypes.bfloat16, "i64": np.int64, "i32": np.int32, "i8": np.int8}


def mlir_type(shape, element):
    return "tensor<" + "".join(f"{n}x" for n in shape) + f"{element}>"


def run(folder, operation, inputs, results, dynamic):
    """Outputs of one operation. inputs: (array, element type); results: (shape, element type). With `dynamic` all sizes are symbols."""
    arguments, symbols, shapes = [], [], {}
    for i, (array, element) in enumerate(inputs):
        dims = []
        for d, n in enumerate(array.shape):
            dims.append(f'"n{n}"' if dynamic else str(n))
            if dynamic and n not in shapes:
                shapes[n] = len(symbols)
                symbols.append(f'{{arg = {i} : i64, index = {d} : i64, kind = "dim", name = "n{n}"}}')
        shape = ["?"] * array.ndim if dynamic else array.shape
        arguments.append((f"%a{i}", mlir_type(shape, element), f'{{laic.dims = [{", ".join(dims)}], laic.element = {element}, laic.name = "x{i}"}}'))
    sizes, body = [], []
    for shape, _ in results:
        for n in shape:
            if dynamic and n in shapes:
                sizes.append(f"%s{shapes[n]}")
    names = ", ".join(f"s{i}" for i in range(len(symbols)))
    for i in range(len(symbols)):
        body.append(f"%s{i} = laic.size affine_map<()[{names}] -> (s{i})>")
    # Sizes that no input has (a count, a rank) stay static.
    kinds = [mlir_type(["?" if dynamic and n in shapes else n for n in shape], element) for shape, element in results]
    operands = [name for name, _, _ in arguments] + sizes
    types = [kind for _, kind, _ in arguments] + ["index"] * len(sizes)
    outs = ", ".join(f"%r{i}" for i in range(len(results)))
    body.append(f"{outs} = {operation} : ({', '.join(types)}) -> ({', '.join(kinds)})".replace("OPERANDS", ", ".join(operands)))
    body.append(f"return {outs} : {', '.join(kinds)}")
    declared = ", ".join(f'{kind} {{laic.dims = [], laic.element = {element}, laic.name = "r{i}"}}' for i, (kind, (_, element)) in enumerate(zip(kinds, results)))
    signature = ", ".join(f"{name}: {kind} {attributes}" for name, kind, attributes in arguments)
    text = (f'module attributes {{laic.model = "g", laic.phase = "fuse", laic.producer = ""}} {{\n'
            f'func.func @main({signature}) -> ({declared}) attributes {{laic.symbols = [{", ".join(symbols)}]}} {{\n' + "\n".join(body) + "\n}\n}\n")
    dump, artifact, feeds, outputs = (folder / name for name in ("m.mlir", "m.bin", "in.npz", "out.npz"))
    dump.write_text(text)
    (folder / "m.weights").write_bytes(b"")
    np.savez(feeds, **{f"x{i}": a.view({"bfloat16": np.uint16, "uint8": np.int8}.get(a.dtype.name, a.dtype)) for i, (a, _) in enumerate(inputs)})
    done = subprocess.run([BUILD / "bin" / "laic", dump, "--from=fuse", "-o", artifact, "-q"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + text
    subprocess.run([BUILD / "bin" / "laic-run", artifact, "--inputs", feeds, "--outputs", outputs], check=True)
    values = np.load(outputs)
    found = [values[f"r{i}"] for i in range(len(results))]
    return [v.view(TYPES[e]) if e == "bf16" and v.dtype == np.uint16 else v for v, (_, e) in zip(found, results)]


def sample(shape, element, seed=0):
    """Few different values, zeros among them."""
    return np.random.default_rng(seed).integers(-2, 3, shape).astype(TYPES[element])


VARIANTS = [(element, dynamic) for element in TYPES for dynamic in (False, True) if element in ("f32", "i8") or not dynamic]


@pytest.mark.parametrize("element,dynamic", VARIANTS)
def test_select_slices(element, dynamic, tmp_path):
    data = sample((3, 7, 5), element)
    for flags in (np.array([1, 0, 1, 1, 0, 0], np.int8), np.zeros(7, np.int8), np.ones(9, np.int8)):
        selected, count = run(tmp_path, "laic.select_slices OPERANDS", [(data, element), (flags, "i8")], [(data.shape, element), ((1,), "i64")], dynamic)
        chosen = np.flatnonzero(flags[:7])
        assert count[0] == len(chosen)
        assert np.array_equal(selected[:, :len(chosen)], data[:, chosen]) and not np.any(selected[:, len(chosen):])


@pytest.mark.parametrize("shape,element,dynamic", [((11,), e, d) for e, d in VARIANTS] + [(s, e, False) for s in ((4, 5), (2, 3, 7)) for e in ("f16", "i64")])
def test_non_zero_indices(shape, element, dynamic, tmp_path):
    x = sample(shape, element)
    wanted = np.array(np.nonzero(x))
    total = int(np.prod(shape))
    indices, count = run(tmp_path, "laic.non_zero_indices OPERANDS", [(x, element)], [((len(shape), total), "i64"), ((1,), "i64")], dynamic)
    assert count[0] == wanted.shape[1]
    assert np.array_equal(indices[:, :count[0]], wanted) and not np.any(indices[:, count[0]:])


def check_unique(data, element, ordered, dynamic, folder, attributes=""):
    n = data.shape[1]
    flag = ", ".join(part for part in ("sorted" if ordered else "", attributes) if part)
    results = [(data.shape, element), ((n,), "i64"), ((n,), "i64"), ((n,), "i64"), ((1,), "i64")]
    slices, indices, inverse, counts, count = run(folder, f"laic.unique_slices OPERANDS {{{flag}}}" if flag else "laic.unique_slices OPERANDS", [(data, element)], results, dynamic)
    rows = np.moveaxis(data, 1, 0).reshape(n, -1)
    wide = rows.astype(np.float64) if element in ("bf16", "f16", "f32", "f64") else rows
    _, first, back, often = np.unique(wide, axis=0, return_index=True, return_inverse=True, return_counts=True)
    back = back.ravel()
    if not ordered:
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        first, often, back = first[order], often[order], rank[back]
    k = len(first)
    assert count[0] == k
    assert np.array_equal(indices[:k], first) and not np.any(indices[k:])
    assert np.array_equal(inverse, back)
    assert np.array_equal(counts[:k], often) and not np.any(counts[k:])
    assert np.array_equal(slices.view(data.dtype)[:, :k], data[:, first]) and not np.any(slices[:, k:])


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("element,dynamic", VARIANTS)
def test_unique_slices(element, dynamic, ordered, tmp_path):
    for shape in ((1, 40, 1), (2, 50, 3), (1, 1, 1)) if element == "f32" else ((2, 30, 2),):
        check_unique(sample(shape, element), element, ordered, dynamic, tmp_path)


@pytest.mark.parametrize("ordered", [True, False])
def test_unique_elements_of_unsigned_type(ordered, tmp_path):
    data = np.random.default_rng(1).integers(0, 256, (1, 60, 1)).astype(np.uint8)
    data[0, ::3] = 200
    check_unique(data, "i8", ordered, False, tmp_path, "is_unsigned")


def test_a_nan_is_last_and_equal_to_a_nan(tmp_path):
    data = np.array([np.nan, 1, -np.inf, np.nan, 1, 0], np.float32).reshape(1, 6, 1)
    results = [(data.shape, "f32"), ((6,), "i64"), ((6,), "i64"), ((6,), "i64"), ((1,), "i64")]
    slices, indices, inverse, counts, count = run(tmp_path, "laic.unique_slices OPERANDS {sorted}", [(data, "f32")], results, False)
    assert count[0] == 4
    assert np.array_equal(slices[0, :4, 0], [-np.inf, 0, 1, np.nan], equal_nan=True)
    assert indices[:4].tolist() == [2, 5, 1, 0] and counts[:4].tolist() == [1, 1, 2, 2] and inverse.tolist() == [3, 2, 0, 3, 2, 1]

"""What random operators draw: the generator's published vectors, its distribution, and streams that differ by node."""
import subprocess

import numpy as np
import onnx
import pytest
from cases_random import multinomial, normal, philox, uniform
from locations import BUILD
from onnx import helper

SIZE = 200_000


def test_the_generator_gives_its_published_numbers():
    """The known answers that come with the authors' library (kat_vectors, philox4x32 10)."""
    ones, pi = 0xFFFFFFFF, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    known = [((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
             ((ones,) * 4, (ones,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
             (pi, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1))]
    for counter, key, words in known:
        assert tuple(int(w) for w in philox([counter], key)[0]) == words


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments(dtype):
    """Means and variances within five standard errors."""
    u, z = uniform((SIZE,), 1, dtype).astype(np.float64), normal((SIZE,), 2, dtype).astype(np.float64)
    near = lambda got, want, deviation: abs(got - want) < 5 * deviation / np.sqrt(SIZE)
    assert u.min() >= 0 and u.max() < 1 and near(u.mean(), 0.5, np.sqrt(1 / 12)) and near(u.var(), 1 / 12, np.sqrt(1 / 180))
    assert near(z.mean(), 0, 1) and near(z.var(), 1, np.sqrt(2)) and near((z**4).mean(), 3, np.sqrt(96))


def test_distribution():
    """Chi-square of 100 bins and the correlation of neighbours."""
    u = uniform((SIZE,), 3, np.float32).astype(np.float64)
    counts = np.histogram(u, bins=100, range=(0, 1))[0]
    expected = SIZE / 100
    assert ((counts - expected) ** 2 / expected).sum() < 99 + 5 * np.sqrt(2 * 99)
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 5 / np.sqrt(SIZE)


def test_shares_of_a_multinomial():
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    drawn = multinomial(np.log(shares)[None].astype(np.float32), SIZE, 4, np.int32)
    counts = np.bincount(drawn[0], minlength=4) / SIZE
    assert np.all(np.abs(counts - shares) < 5 * np.sqrt(shares * (1 - shares) / SIZE))


def compiled(tmp_path, name):
    nodes = [helper.make_node("RandomUniform", [], [f"y{i}"], name=f"draw{i}", shape=[1000]) for i in range(2)]
    outputs = [onnx.ValueInfoProto(name=f"y{i}") for i in range(2)]
    model = helper.make_model(helper.make_graph(nodes, "g", [], outputs), opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx")
    artifact, result = tmp_path / f"{name}.bin", tmp_path / f"{name}.npz"
    subprocess.run([BUILD / "bin" / "laic", tmp_path / "m.onnx", "-o", artifact, "-q"], check=True)
    subprocess.run([BUILD / "bin" / "laic-run", artifact, "--outputs", result], check=True)
    return np.load(result), artifact.read_bytes()


def test_nodes_without_a_seed_differ_and_a_model_does_not(tmp_path):
    values, first = compiled(tmp_path, "a")
    again, second = compiled(tmp_path, "b")
    assert first == second
    assert not np.any(values["y0"] == values["y1"]) and abs(np.corrcoef(values["y0"], values["y1"])[0, 1]) < 0.2
    assert np.array_equal(values["y0"], again["y0"])

"""The comparison that the model tests rest on can fail."""
import numpy as np
import pytest

from harness import Wrong, compare, compare_all

ONES = np.ones((2, 3), "f4")


def test_equal_is_right():
    assert compare("y", ONES, ONES).used == 0


def test_within_tolerance():
    assert 0 < compare("y", ONES * np.float32(1.0005), ONES).used < 1


@pytest.mark.parametrize("got", [ONES * np.float32(1.002), ONES[:1], ONES.astype("f8"), np.where(ONES == 1, np.nan, ONES).astype("f4")])
def test_wrong_values_shapes_types_and_nan(got):
    with pytest.raises(Wrong, match="'y'"):
        compare("y", got, ONES)


def test_infinities_must_agree():
    infinite = np.array([np.inf, 1], "f4")
    compare("y", infinite, infinite)
    with pytest.raises(Wrong, match="inf"):
        compare("y", -infinite, infinite)


def test_absolute_tolerance_scales_with_the_largest():
    want = np.array([1000, 0], "f4")
    compare("y", np.array([1000, 0.05], "f4"), want)
    with pytest.raises(Wrong):
        compare("y", np.array([1000, 0.2], "f4"), want)


def test_integers_are_exact():
    with pytest.raises(Wrong, match="1 of 3 differ"):
        compare("y", np.array([1, 2, 4]), np.array([1, 2, 3]))


def test_quanta():
    want = np.zeros(2000, "f4")
    got = want.copy()
    got[0] = 5
    compare("y", got, want, quantum=1.0)
    got[:10] = 5
    with pytest.raises(Wrong, match="one quantum"):
        compare("y", got, want, quantum=1.0)


def test_all_wrong_outputs_are_named():
    with pytest.raises(Wrong, match="(?s)'a'.*'b'"):
        compare_all({"a": ONES * 2, "b": ONES * 2}, {"a": ONES, "b": ONES})
    with pytest.raises(Wrong, match="outputs are"):
        compare_all({"a": ONES}, {"b": ONES})

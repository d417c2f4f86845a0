"""laic.load and Model: arguments, outputs, threads, damaged artifacts."""
import threading

import numpy as np
import onnxruntime
import pytest

import laic


@pytest.fixture(scope="module")
def artifact(digits, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "digits.bin"
    laic.compile_artifact(digits, output=path)
    return path


@pytest.fixture(scope="module")
def images(digits):
    return (np.load(digits.with_name("digits.npz"))["images"][:, None] / 16).astype("f4")


def test_agrees_with_onnxruntime(artifact, digits, images):
    model, session = laic.load(artifact), onnxruntime.InferenceSession(digits)
    for count in (1, 3, 64):
        logits, probabilities = session.run(None, {"image": images[:count]})
        got = model.run({"image": images[:count]})
        assert list(got) == ["logits", "probabilities"]
        np.testing.assert_allclose(got["logits"], logits, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(got["probabilities"], probabilities, rtol=1e-4, atol=1e-5)


def test_call_returns_outputs_in_graph_order(artifact, images):
    logits, probabilities = laic.load(artifact)(images[:2])
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert logits.shape == (2, 10)


def test_any_memory_layout_of_an_input(artifact, images):
    model = laic.load(artifact)
    dense = model.run({"image": images[:4]})["logits"]
    np.testing.assert_array_equal(model.run({"image": np.asfortranarray(images[:4])})["logits"], dense)
    np.testing.assert_array_equal(model.run({"image": images[:8:2]})["logits"], model.run({"image": images[:8:2].copy()})["logits"])


def test_out_arrays_are_written(artifact, images):
    model, out = laic.load(artifact), np.full((2, 10), np.nan, "f4")
    got = model.run({"image": images[:2]}, out={"logits": out})
    assert got["logits"] is out
    np.testing.assert_array_equal(out, model.run({"image": images[:2]})["logits"])


def test_out_may_be_a_view(artifact, images):
    model, room = laic.load(artifact), np.full((10, 4), np.nan, "f4")
    model.run({"image": images[:2]}, out={"logits": room.T[1:3]})
    np.testing.assert_array_equal(room.T[1:3], model.run({"image": images[:2]})["logits"])
    assert np.isnan(room.T[[0, 3]]).all()


def test_out_of_the_wrong_type_is_refused(artifact, images):
    refused = r"out\['logits'\] must be a writable array of float32, with strides of whole elements that are not negative"
    for out in (np.zeros((2, 10), "f8"), np.zeros((2, 10), "f4")[::-1], np.broadcast_to(np.float32(0), (2, 10))):
        with pytest.raises(laic.InvalidArgumentError, match=refused):
            laic.load(artifact).run({"image": images[:2]}, out={"logits": out})
    with pytest.raises(laic.InvalidArgumentError, match="its strides let elements overlap"):
        laic.load(artifact).run({"image": images[:2]}, out={"logits": np.lib.stride_tricks.as_strided(np.zeros(10, "f4"), (2, 10), (0, 4))})


def test_out_of_no_output_is_refused(artifact, images):
    for call in (lambda out: laic.load(artifact).run({"image": images[:2]}, out), lambda out: laic.load(artifact).bind({"image": images[:2]}, out)):
        with pytest.raises(laic.InvalidArgumentError, match="out: no output 'logit'; this model has 'logits'"):
            call({"logit": np.zeros((2, 10), "f4")})


def test_bound_outputs_of_the_caller(artifact, images):
    model, out = laic.load(artifact), np.zeros((2, 10), "f4")
    call = model.bind({"image": images[:2]}, {"logits": out})
    assert call()["logits"] is out
    np.testing.assert_array_equal(out, model.run({"image": images[:2]})["logits"])
    with pytest.raises(laic.InvalidArgumentError, match="out\\['logits'\\] must be"):
        model.bind({"image": images[:2]}, {"logits": out.astype("f8")})


@pytest.mark.parametrize("feed, text", [
    ({}, "input 'image' is missing; this model has 'image'"),
    ({"image": np.zeros((1, 1, 8, 8), "f4"), "mask": 1}, "no input 'mask'; this model has 'image'"),
    ({"image": np.zeros((1, 1, 8, 8), "f8")}, "expects float32, got float64"),
    ({"image": np.zeros((1, 8, 8), "f4")}, "input 'image': expects rank 4, got shape"),
    ({"image": np.zeros((1, 1, 8, 9), "f4")}, "image"),
])
def test_wrong_inputs_are_named(artifact, feed, text):
    with pytest.raises(laic.InvalidArgumentError, match=text):
        laic.load(artifact).run(feed)


def test_too_many_and_double_arguments(artifact, images):
    model = laic.load(artifact)
    with pytest.raises(laic.InvalidArgumentError, match="expects 1 inputs, got 2"):
        model(images[:1], images[:1])
    with pytest.raises(laic.InvalidArgumentError, match="input 'image' is given by position and by name"):
        model(images[:1], image=images[:1])


def test_same_bits_for_any_number_of_threads(artifact, images):
    results = [laic.load(artifact, threads=n).run({"image": images})["logits"] for n in (1, 2, 3)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_threads_share_a_model(artifact, images):
    model, got = laic.load(artifact), {}

    def work(index):
        for _ in range(20):
            got[index] = model.run({"image": images[index:index + 2]})["logits"]

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for index in range(8):
        np.testing.assert_array_equal(got[index], model.run({"image": images[index:index + 2]})["logits"])


def test_from_memory(artifact, images):
    data = artifact.read_bytes()
    want = laic.load(artifact).run({"image": images[:1]})["logits"]
    for form in (data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(laic.load(form).run({"image": images[:1]})["logits"], want)


def test_damage_is_refused(artifact, tmp_path):
    data = bytearray(artifact.read_bytes())
    with pytest.raises(laic.InvalidArtifactError):
        laic.load(bytes(data[:len(data) // 2]))
    data[len(data) // 2] ^= 1
    with pytest.raises(laic.InvalidArtifactError):
        laic.load(bytes(data))
    (tmp_path / "text.bin").write_text("not an artifact")
    with pytest.raises(laic.InvalidArtifactError):
        laic.load(tmp_path / "text.bin")


def test_missing_file(tmp_path):
    with pytest.raises(laic.FileError, match="nothing.bin"):
        laic.load(tmp_path / "nothing.bin")


def test_bad_options(artifact):
    with pytest.raises(laic.InvalidArgumentError, match="verify must be one of full, structure, got 'never'"):
        laic.load(artifact, verify="never")
    with pytest.raises(laic.InvalidArgumentError, match="threads must be at least 1, got 0"):
        laic.load(artifact, threads=0)


def test_unknown_device(artifact):
    with pytest.raises(laic.Error):
        laic.load(artifact, device="abacus").run({"image": np.zeros((1, 1, 8, 8), "f4")})


def test_no_allocation_once_warm(artifact, images):
    model = laic.load(artifact)
    for _ in range(2):
        model.run({"image": images[:4]})
    before = model.memory()["allocations"]
    for _ in range(5):
        model.run({"image": images[:4]})
    assert model.memory()["allocations"] == before


def test_bound_calls_need_every_input(artifact):
    with pytest.raises(laic.InvalidArgumentError, match="input 'image' is missing; this model has 'image'"):
        laic.load(artifact).bind({})


def test_bound_calls_follow_their_arrays(artifact, images):
    model, batch = laic.load(artifact), images[:2].copy()
    call = model.bind({"image": batch})
    for begin in (0, 2, 4):
        batch[:] = images[begin:begin + 2]
        np.testing.assert_array_equal(call()["logits"], model.run({"image": images[begin:begin + 2]})["logits"])
    with pytest.raises(laic.InvalidArgumentError, match="'image' is missing"):
        model.bind({})


def test_repr_and_explain(artifact):
    model = laic.load(artifact)
    assert "image: f32['N', 1, 8, 8]" in repr(model)
    assert model.explain().strip()

"""The models that are measured, by name: zoo skeletons filled with seeded weights, small trained models, or files of one's own."""
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engines import symbolic_dims

ROOT = Path(__file__).resolve().parent.parent
ZOO = ROOT.parent / "shared" / "zoo"
SMALL = ROOT.parent / "shared" / "models"
MODELS = ROOT / "build" / "models"
LARGE = 300_000_000

SETS = {
    "f32": ("resnet50", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t", "bert_base",
            "distilbert_cls", "clip_text", "gpt2_124m", "whisper_base_encoder", "whisper_base_decoder", "deeplabv3_mobilenet_v3_large",
            "edsr_x2", "sd15_unet_tiny", "gru_enhancer"),
    "int8": ("resnet50_int8", "mobilenet_v2_int8", "bert_base_int8"),
    "decode": ("gpt2_124m", "gpt2_124m_int4", "whisper_base_decoder@past=127", "tinyllama_1b_int4"),
    "small": ("digits", "kws_f32", "kws_int8_qdq", "gru_enhancer", "dtln_stage1_lstm", "dtln_stage2_unrolled", "magika_v3_3",
              "lgbm_as_tensor_ops"),
}


class Unknown(Exception):
    """There is no such model here."""


@dataclass
class Workload:
    """A model and its inputs as files. dims: sizes of its named dynamic dims; made: files that were not there before."""

    name: str
    model: Path
    feed: Path
    dims: dict = field(default_factory=dict)
    made: list = field(default_factory=list)

    @property
    def stem(self):
        """Names this workload's files in the build tree."""
        return Path(self.name).stem.replace("@", ".").replace(",", ".")

    def size(self):
        return sum(p.stat().st_size for p in (self.model, self.model.with_name(self.model.name + ".data")) if p.exists())

    def drop(self, *others):
        """Deletes a large model that was made for this run, and other files made from it."""
        if self.made and self.size() >= LARGE:
            for path in (*self.made, *others):
                path.unlink(missing_ok=True)


def resolve(name):
    """The workload of a name: NAME[@dim=size,...] of the zoo, a small model's file name without suffix, or a path with an .npz beside it."""
    if name.endswith(".onnx"):
        return finished(Workload(name, Path(name), Path(name).with_suffix(".npz")))
    base, _, dims = name.partition("@")
    if (ZOO / f"{base}.skel.onnx").exists():
        return from_zoo(name, base, dims)
    found = sorted(SMALL.glob(f"*/{base}.onnx")) if SMALL.is_dir() else []
    if found:
        return small(name, found[0])
    if base == "digits":
        return digits(name)
    raise Unknown(f"{name}: no such model in {relative(ZOO)} or {relative(SMALL)}, and no file")


def from_zoo(name, base, dims):
    """Filled once and kept in the build tree."""
    work = Workload(name, MODELS / f"{base}.onnx", Path())
    work.feed = MODELS / f"{work.stem}.npz"
    command = [sys.executable, ZOO / "materialise.py", ZOO / f"{base}.skel.onnx", "--inputs", work.feed, "--dims", dims]
    if not work.model.exists():
        command += ["-o", work.model]
        work.made = [work.model, work.model.with_name(work.model.name + ".data")]
    run(command)
    return finished(work)


def small(name, model):
    """A trained model of the collection; its inputs by the collection's own program."""
    work = Workload(name, model, MODELS / f"{Path(name).stem}.npz")
    run([sys.executable, SMALL / "inputs.py", model.relative_to(SMALL), "-o", work.feed])
    return finished(work)


def digits(name):
    """The demo's model on its first test image."""
    work = Workload(name, ROOT / "examples" / "digits" / "digits.onnx", MODELS / "digits.npz")
    MODELS.mkdir(parents=True, exist_ok=True)
    with np.load(work.model.with_suffix(".npz")) as data:
        np.savez(work.feed, image=data["images"][:1, None].astype("f4"))
    return finished(work)


def run(command):
    MODELS.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Unknown(f"{Path(command[1]).name} fails: {done.stderr.strip().splitlines()[-1]}")


def finished(work):
    for path in (work.model, work.feed):
        if not path.exists():
            raise Unknown(f"{path} does not exist")
    with np.load(work.feed) as data:
        work.dims = symbolic_dims(work.model, {n: data[n] for n in data.files})
    return work


def relative(path):
    """A path as the repository's own files may show it."""
    return Path(path).relative_to(ROOT) if ROOT in Path(path).parents else Path("..") / Path(path).relative_to(ROOT.parent)


def weight_bytes(model):
    """Bytes of the initialisers and of external data."""
    import onnx

    total = 0
    for tensor in onnx.load(model, load_external_data=False).graph.initializer:
        external = {e.key: e.value for e in tensor.external_data}
        total += int(external.get("length", 0)) or len(tensor.raw_data) or tensor.ByteSize()
    return total

"""Random graphs agree with onnxruntime (utils/fuzz_graphs.py): a slice of fixed seeds, all 500 with LAIC_CHECK_ALL."""
import os
import subprocess
import sys

from locations import ROOT


def test_random_graphs_agree(tmp_path):
    everything = os.environ.get("LAIC_CHECK_ALL")
    limits = ["--graphs=500"] if everything else ["--graphs=150", "--seconds=60"]
    command = [sys.executable, ROOT / "utils" / "fuzz_graphs.py", f"--keep={tmp_path}", *limits]
    result = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
    assert not result.stdout.startswith("0 graphs"), result.stdout

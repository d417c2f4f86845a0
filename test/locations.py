"""Where the repository and the build tree under test are. LAIC_BUILD names another build tree than build/dev."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("LAIC_BUILD", ROOT / "build" / "dev")).resolve()

"""Finds and opens laic's shared libraries: beside the package (wheel), in the build tree or in an installed tree."""
import ctypes
import os
from functools import lru_cache
from pathlib import Path


def candidates(name):
    """Where a library may be, most specific place first. LAIC_LIBRARY_DIR overrides all."""
    package = Path(__file__).resolve().parent
    if "LAIC_LIBRARY_DIR" in os.environ:
        yield Path(os.environ["LAIC_LIBRARY_DIR"]) / name
    yield package / "lib" / name
    # build/<preset>/python/laic -> build/<preset>/lib; <prefix>/lib/python/laic -> <prefix>/lib
    for parent in list(package.parents)[1:4]:
        yield parent / "lib" / name
        yield parent / name


@lru_cache(maxsize=None)
def open_library(name):
    """The library as a ctypes.CDLL, opened once. Raises OSError that lists where it was looked for."""
    tried = list(dict.fromkeys(candidates(name)))
    for path in tried:
        # A wheel holds no links, so there the name ends with the version.
        for found in [path] if path.exists() else sorted(path.parent.glob(f"{name}.*")):
            return ctypes.CDLL(str(found))
    raise OSError(f"{name} is not in {', '.join(str(p.parent) for p in tried)}; build laic or set LAIC_LIBRARY_DIR")


def declare(library, name, result, *arguments):
    """Gives a C function its types and returns it."""
    function = getattr(library, name)
    function.restype, function.argtypes = result, list(arguments)
    return function

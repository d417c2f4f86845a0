"""Exceptions of the package: one base, one type per kind of failure, with the compiler's diagnostics attached."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """What the compiler said about one place. severity: "error", "warning" or "remark"; note: cure and other places, or ""."""

    severity: str
    message: str
    note: str = ""

    def __str__(self):
        notes = "".join(f"\n  note: {line}" for line in self.note.splitlines())
        return f"{self.severity}: {self.message}{notes}"


class Error(Exception):
    """Base of everything that laic raises."""


class CompileError(Error):
    """The model, its data or the disk is at fault. diagnostics: everything the compiler said, in order."""

    def __init__(self, diagnostics):
        self.diagnostics = list(diagnostics)
        errors = [d for d in self.diagnostics if d.severity == "error"]
        super().__init__("\n".join(str(d) for d in errors) or "compiling failed without a diagnostic")


class UsageError(CompileError, ValueError):
    """An unknown option or a value that it does not take."""


class CompilerDefect(CompileError):
    """A defect of the compiler; the diagnostic names a reproducer."""


class CompileCancelled(CompileError):
    """The progress callback asked to stop."""


class InvalidArgumentError(Error, ValueError):
    """Wrong name, rank, size or type of an argument."""


class InvalidArtifactError(Error):
    """A damaged, truncated or foreign file."""


class UnsupportedError(Error):
    """Needs a newer runtime, another device or another instruction set."""


class OutOfMemoryError(Error, MemoryError):
    """Memory ran out."""


class FileError(Error, OSError):
    """A file could not be read."""


class DataError(Error):
    """A kernel refused the data: an index out of range, sizes that do not fit, ..."""


class DeviceError(Error):
    """The device failed."""


class Cancelled(Error):
    """Model.cancel() was called during a run."""

"""Golden files of overlays: find them, compare them, accept what became of them.

The format is that of `kustomize-rs test`: a golden file holds, byte for byte, what `kustomize build`
prints. It stands next to its overlay, in `kustomization.snap.yaml`, or where a file
`kustomize-golden.yaml` at the top of the repository says.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from kustomize_py._kustomize import Case, Outcome
from kustomize_py._kustomize import check_goldens as check
from kustomize_py._kustomize import discover_goldens as discover

__all__ = ["Case", "Outcome", "accept", "check", "discover"]


def accept(outcome: Outcome) -> Path | None:
    """Make the golden file what the overlay renders as, and return which file was written or removed.

    An overlay that does not render keeps its golden file.
    """
    if outcome.update is None:
        return None
    name, content = outcome.update
    file = Path(name)
    if content is None:
        file.unlink()
    else:
        _write(file, content)
    return file


def _write(file: Path, content: str) -> None:
    """Write a file whole, or leave it as it was. A link is replaced: what it points at is left alone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    is_file = file.exists() and not file.is_symlink()
    mode = file.stat().st_mode & 0o777 if is_file else 0o666 & ~_umask()
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as staged:
        try:
            staged.write(content.encode())
            staged.close()
            Path(staged.name).chmod(mode)
            Path(staged.name).replace(file)
        except BaseException:
            Path(staged.name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask

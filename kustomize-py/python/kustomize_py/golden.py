"""Golden files of overlays: find them, compare them, accept what became of them.

The format is that of `kustomize-rs test`: a golden file holds, byte for byte, what `kustomize build`
prints. It stands next to its overlay, in `kustomization.snap.yaml`, or where a file
`kustomize-golden.yaml` at the top of the repository says.
"""

from __future__ import annotations

from pathlib import Path

from kustomize_py._kustomize import Case, Outcome, accept_golden
from kustomize_py._kustomize import check_goldens as check
from kustomize_py._kustomize import discover_goldens as discover

__all__ = ["Case", "Outcome", "accept", "check", "discover"]


def accept(outcome: Outcome) -> Path | None:
    """Make the golden file what the overlay renders as, and return which file was written or removed.

    An overlay that does not render keeps its golden file.
    """
    file = accept_golden(outcome)
    return None if file is None else Path(file)

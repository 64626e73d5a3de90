r"""Renders kustomizations exactly as kustomize v5.8.1 does.

>>> import kustomize_py
>>> rendered = kustomize_py.build("app", files={
...     "app/kustomization.yaml": "namePrefix: staging-\nresources: [service.yaml]\n",
...     "app/service.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n",
... })
>>> rendered
<Rendered 1 resource: Service staging-web>
>>> rendered.find("Service", "staging-web")["metadata"]
{'name': 'staging-web'}
"""

from kustomize_py._diagnostics import (
    BuildError,
    BuildWarning,
    ExternalError,
    FileError,
    InputError,
    InternalError,
    KustomizeError,
    NotAllowedError,
    Note,
)
from kustomize_py._kustomize import KUSTOMIZE_VERSION, Rendered, __version__, build, build_many, to_yaml

TYPE_CHECKING = False  # as in typing, which would take longer to import than a build takes
if TYPE_CHECKING:
    from kustomize_py._options import BuildOptions

__all__ = [
    "KUSTOMIZE_VERSION",
    "BuildError",
    "BuildOptions",
    "BuildWarning",
    "ExternalError",
    "FileError",
    "InputError",
    "InternalError",
    "KustomizeError",
    "NotAllowedError",
    "Note",
    "Rendered",
    "__version__",
    "build",
    "build_many",
    "to_yaml",
]

# Where people find them, in tracebacks too.
for _public in (
    BuildError,
    BuildWarning,
    ExternalError,
    FileError,
    InputError,
    InternalError,
    KustomizeError,
    NotAllowedError,
    Note,
):
    _public.__module__ = __name__
del _public


def __getattr__(name: str) -> type:
    """Import what few programs need when one asks for it."""
    if name == "BuildOptions":
        from kustomize_py._options import BuildOptions  # noqa: PLC0415

        return BuildOptions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import Any, Final, Literal, final, overload

from typing_extensions import Unpack

from kustomize_py._diagnostics import BuildError, BuildWarning
from kustomize_py._options import BuildOptions

__all__ = [
    "KUSTOMIZE_VERSION",
    "Case",
    "Outcome",
    "Rendered",
    "__version__",
    "accept_golden",
    "build",
    "build_many",
    "check_goldens",
    "discover_goldens",
    "to_yaml",
]

KUSTOMIZE_VERSION: Final[str]
__version__: Final[str]

def build(
    path: str | PathLike[str],
    *,
    files: Mapping[str, str | bytes] | None = None,
    **options: Unpack[BuildOptions],
) -> Rendered: ...
@overload
def build_many(
    paths: Iterable[str | PathLike[str]],
    *,
    files: Mapping[str, str | bytes] | None = None,
    return_exceptions: Literal[False] = False,
    **options: Unpack[BuildOptions],
) -> list[Rendered]: ...
@overload
def build_many(
    paths: Iterable[str | PathLike[str]],
    *,
    files: Mapping[str, str | bytes] | None = None,
    return_exceptions: bool,
    **options: Unpack[BuildOptions],
) -> list[Rendered | BuildError]: ...
def to_yaml(resources: Mapping[str, Any] | Iterable[Mapping[str, Any]], /) -> str: ...

@final
class Rendered:
    @property
    def yaml(self) -> str: ...
    @property
    def resources(self) -> list[dict[str, Any]]: ...
    @property
    def warnings(self) -> list[BuildWarning]: ...
    def find(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None: ...
    def select(
        self, kind: str | None = None, name: str | None = None, namespace: str | None = None
    ) -> list[dict[str, Any]]: ...
    def __iter__(self) -> Iterator[dict[str, Any]]: ...
    def __reversed__(self) -> Iterator[dict[str, Any]]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> dict[str, Any]: ...
    def _repr_html_(self) -> str: ...

@final
class Case:
    @property
    def overlay(self) -> str: ...
    @property
    def golden(self) -> str: ...
    @property
    def is_orphan(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class Outcome:
    @property
    def kind(
        self,
    ) -> Literal["equal", "different", "missing", "unreadable", "failed", "orphaned"]: ...
    @property
    def is_equal(self) -> bool: ...
    @property
    def error(self) -> BuildError | None: ...
    @property
    def lines(
        self,
    ) -> list[tuple[Literal["resource", "added", "removed", "changed", "note"], str]]: ...
    @property
    def update(self) -> tuple[str, str | None] | None: ...

def discover_goldens(
    paths: Iterable[str | PathLike[str]],
    *,
    directory: str | PathLike[str] | None = None,
    file_name: str | None = None,
) -> list[Case]: ...
def accept_golden(outcome: Outcome) -> str | None: ...
def check_goldens(cases: Iterable[Case], **options: Unpack[BuildOptions]) -> list[Outcome]: ...

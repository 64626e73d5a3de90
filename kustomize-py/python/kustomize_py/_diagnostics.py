"""What builds complain of: exceptions, warnings, and the places that they name."""

from __future__ import annotations


class _Record:
    """Values by name. `dataclasses` would take longer to import than a build takes."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return type(self) is type(other) and isinstance(other, _Record) and self._values() == other._values()

    def __hash__(self) -> int:
        """Agree with what is equal."""
        return hash(self._values())

    def __repr__(self) -> str:
        """Give all values by name."""
        pairs = (f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({', '.join(pairs)})"


class Note(_Record):
    """A further place that an error is about, or a step of the way that led to it."""

    __slots__ = ("message", "file", "line", "column")  # noqa: RUF023 - as they are shown

    def __init__(
        self,
        message: str,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        """Take what stands there, and where."""
        self.message = message
        """What stands there."""
        self.file = file
        """The file, if it stands in one."""
        self.line = line
        """The line, counted from 1."""
        self.column = column
        """The column in characters, counted from 1."""


class BuildWarning(_Record):
    """What a build noticed without failing: a deprecated field, a patch that matched nothing."""

    __slots__ = ("message", "file", "line", "column", "hint", "text")  # noqa: RUF023 - as they are shown

    def __init__(  # noqa: PLR0913
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
        text: str | None = None,
    ) -> None:
        """Take the message, and whatever is known beyond it."""
        self.message = message
        """What was noticed."""
        self.file = file
        """The file that it is about."""
        self.line = line
        """The line, counted from 1."""
        self.column = column
        """The column in characters, counted from 1."""
        self.hint = hint
        """What to do about it, where a cure is known."""
        self.text = text
        """All of it, as the command line shows it."""

    def __str__(self) -> str:
        """Give all of it, as the command line shows it."""
        return self.text or self.message


class KustomizeError(Exception):
    """The base of all exceptions of this package.

    Wrong types and unknown options raise Python's own `TypeError` and `ValueError`.
    """

    def __init__(  # noqa: PLR0913
        self,
        message: str,
        *,
        text: str | None = None,
        kind: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        resource: str | None = None,
        field: str | None = None,
        hint: str | None = None,
        chain: tuple[Note, ...] = (),
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Take the message, and whatever is known beyond it."""
        super().__init__(message)
        self.message = message
        """What went wrong, in one sentence."""
        self.text = text
        """All of it, with the line that it is about, as the command line shows it."""
        self.kind = kind
        """What kind of thing went wrong, as a word: `syntax`, `patch`, `conflict`, …"""
        self.file = file
        """The file that it is about."""
        self.line = line
        """The line, counted from 1."""
        self.column = column
        """The column in characters, counted from 1."""
        self.resource = resource
        """The resource that it is about, as `Deployment web in namespace production`."""
        self.field = field
        """The path of the field that it is about."""
        self.hint = hint
        """What to do about it, where a cure is known."""
        self.chain = chain
        """The way that led there, innermost step first: one step an overlay."""
        self.notes = notes
        """Further places that it is about, such as the first of two duplicates."""

    def __str__(self) -> str:
        """Give all of it, as the command line shows it."""
        return self.text or self.message


class BuildError(KustomizeError):
    """A build that failed."""


class InputError(BuildError):
    """What the files say is wrong: not YAML, an unknown field, a patch that does not apply."""


class FileError(BuildError):
    """A file or directory could not be read."""


class NotAllowedError(BuildError):
    """Something that the options do not allow: a file outside the root, helm, a remote base."""


class ExternalError(BuildError):
    """Something outside failed: helm, a function, git, an HTTP server."""


class InternalError(KustomizeError):
    """A mistake in this package, which is worth a report."""

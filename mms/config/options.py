"""What an option is: all that is to be known of it, in one entry.

The entries are the fields of :class:`mms.config.settings.Settings`. The parser, its help, the
sources and the table in the documentation are made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar, Union

from mms.config.source import Kind, Source
from mms.config.values import Reader, Switch

T = TypeVar('T')

_METADATA = 'option'


class Group(Enum):
    """The parts of ``--help``, in its order."""

    MODELS = 'models'
    WORKERS = 'workers and batches'
    REQUESTS = 'requests'
    SECURITY = 'security'
    MANAGEMENT = 'management'
    LIFE = 'stop and takeover'
    LOG = 'log and metrics'


class Unset(Enum):
    """Says that no value was given."""

    UNSET = 'unset'


UNSET = Unset.UNSET


@dataclass(frozen=True)
class Option(Generic[T]):
    """One option of ``mxnet-model-server``.

    Attributes
    ----------
    flag
        As on the command line; the environment variable and the key in a config file follow it.
    reader
        Knows the type, the unit and the range.
    shown
        The default, as it would be typed, or in words where it cannot be.
    group
        Where it stands in the help.
    help
        What it does; what would be typed is in backticks.
    metavar
        What stands for its value.
    more
        What the documentation says beyond `help`, in Markdown.
    unset
        The value where nothing was given; where it is UNSET, `shown` is read.
    required
        Whether some source has to give it.
    unless
        Fields of which any takes its place where it is required.
    choices
        The words that are taken, where argparse itself is to refuse others.
    in_file
        Whether it may stand in a config file.
    other_variable
        An environment variable that other servers have for the same; the one of this server counts
        before it. Empty for none.
    """

    flag: str
    reader: Reader[T]
    shown: str
    group: Group
    help: str
    metavar: str
    more: str = ''
    unset: Union[T, Unset] = UNSET
    required: bool = False
    unless: Sequence[str] = ()
    choices: Sequence[str] = ()
    in_file: bool = True
    other_variable: str = ''

    @property
    def key(self) -> str:
        """Its name in a config file."""
        return self.flag.lstrip('-')

    @property
    def dest(self) -> str:
        """Its attribute in what argparse returns."""
        return self.key.replace('-', '_')

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f'MMS_{self.dest.upper()}'

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value."""
        return isinstance(self.reader, Switch)

    def on_command_line(self) -> Source:
        """Its place on the command line."""
        return Source(Kind.COMMAND_LINE, self.flag)

    def by_default(self) -> Source:
        """Its source where nothing was given."""
        return Source(Kind.DEFAULT, self.flag)

    def default(self) -> T:
        """The value where nothing was given."""
        if isinstance(self.unset, Unset):
            return self.reader.read(self.shown, self.flag)
        return self.unset


def option(flag: str, reader: Reader[T], shown: str, group: Group, *, help: str,
           metavar: str = '', more: str = '', unset: Union[T, Unset] = UNSET,
           required: bool = False, unless: Sequence[str] = (), choices: Sequence[str] = (),
           in_file: bool = True, other_variable: str = '') -> T:
    """A field of the settings that is an option; the parameters are those of :class:`Option`.

    To a type checker it is the value that `reader` makes, so that it holds the field to this type.
    """
    made = Option(flag, reader, shown, group, help, metavar, more, unset, required,
                  unless, choices, in_file, other_variable)
    value: Any = field(default_factory=made.default, metadata={_METADATA: made})
    result: T = value
    return result


def options_of(fields: Any) -> dict[str, Option[Any]]:
    """The options among the fields of a dataclass: name of the field -> option."""
    return {each.name: each.metadata[_METADATA] for each in fields if _METADATA in each.metadata}

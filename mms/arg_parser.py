"""The flags of both commands, for programs; :mod:`mms.config` makes them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Optional

from mms.config.export_parser import export_command
from mms.config.server_parser import server_command, server_in_program


class ArgParser:
    """Argument parsers of ``mxnet-model-server`` and ``mxnet-model-export``."""

    @staticmethod
    def mms_parser() -> argparse.ArgumentParser:
        """The parser of ``mxnet-model-server``.

        Values stay as they were typed, :class:`mms.config.settings.Settings` checks them;
        ``models`` becomes a dict of NAME -> LOCATION in the order given. What the words leave
        open comes from the environment and from the file of ``--config``.
        """
        return server_command()

    @staticmethod
    def export_parser() -> argparse.ArgumentParser:
        """The parser of ``mxnet-model-export``."""
        return export_command()

    @staticmethod
    def extract_args(args: Optional[Sequence[str]] = None) -> argparse.Namespace:
        """Parse the server's arguments; None means those of the command line.

        Raises
        ------
        UsageError
            The config file, or a variable of the environment, cannot be used.
        """
        return ArgParser.mms_parser().parse_args(args)

    @staticmethod
    def parse_words(words: Optional[Sequence[str]] = None) -> argparse.Namespace:
        """The same for a program that is no command, which is told by an exception.

        Raises
        ------
        UsageError
        """
        return server_in_program(own_words=words is None).parse_args(words)

"""What each verb does."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from typing import Optional

from mms.client.management_client import Answer, ManagementClient, Refused, Value
from mms.management_command.description import described
from mms.management_command.listing import listed
from mms.management_command.parser import MODEL_OPTIONS
from mms.management_command.printing import Printer
from mms.management_command.waiting import elapsed_shown

_OK, _ACCEPTED, _NOT_FOUND = 200, 202, 404
_HERE = (f'.{os.sep}', f'..{os.sep}')

Verb = Callable[[ManagementClient, argparse.Namespace, Printer], None]


def list_models(client: ManagementClient, args: argparse.Namespace, printer: Printer) -> None:
    """Tell of all models; what goes meanwhile is left out."""
    del args
    found = []
    for name in client.names():
        try:
            found.append(client.describe(name))
        except Refused as error:
            if error.status != _NOT_FOUND:
                raise
    printer.show(found, lambda width: listed(found, width))


def describe_model(client: ManagementClient, args: argparse.Namespace, printer: Printer) -> None:
    """Tell all that the server knows of a model."""
    found = client.describe(args.name)
    printer.show(found, lambda width: described(found, width))


def load_model(client: ManagementClient, args: argparse.Namespace, printer: Printer) -> None:
    """Serve one more model."""
    location = _for_server(args.location, client)
    named = {} if args.name is None else {'model_name': args.name}
    _change(printer, args.name, 'Loading', 'loaded',
            lambda: client.load(location, not args.no_wait, **named, **_options(args)))


def replace_model(client: ManagementClient, args: argparse.Namespace, printer: Printer) -> None:
    """Serve another archive under the name of a model."""
    location = _for_server(args.location, client)
    _change(printer, args.name, 'Replacing', 'replaced',
            lambda: client.replace(args.name, location, not args.no_wait, **_options(args)))


def scale_model(client: ManagementClient, args: argparse.Namespace, printer: Printer) -> None:
    """Change how many workers a model has."""
    _change(printer, args.name, 'Scaling', 'scaled',
            lambda: client.scale(args.name, args.workers, args.max_workers, not args.no_wait))


def unload_model(client: ManagementClient, args: argparse.Namespace, printer: Printer) -> None:
    """Drain a model, and serve it no more."""
    _change(printer, args.name, 'Unloading', 'unloaded', lambda: client.unload(args.name))


VERBS: Mapping[str, Verb] = {
    'list': list_models, 'describe': describe_model, 'load': load_model,
    'replace': replace_model, 'scale': scale_model, 'unload': unload_model,
}


def _change(printer: Printer, name: Optional[str], doing: str, done: str,
            ask: Callable[[], Answer]) -> None:
    """Ask for something that lasts, and print the answer."""
    began = time.monotonic()
    with elapsed_shown(f"{doing} {name or 'a model'}"):
        answer = ask()
    seconds = time.monotonic() - began
    printer.show(answer.content, lambda _: [_outcome(answer, name, done, seconds)])


def _outcome(answer: Answer, name: Optional[str], done: str, seconds: float) -> str:
    told = str(answer.content.get('status', ''))
    if answer.status == _OK and name:
        return f'{name} is {done} ({seconds:.1f} s)'
    return told if answer.status == _ACCEPTED else f'{told} ({seconds:.1f} s)'


def _options(args: argparse.Namespace) -> dict[str, Value]:
    given = {wire: getattr(args, name) for name, wire in MODEL_OPTIONS.items()}
    return {wire: value for wire, value in given.items() if value is not None}


def _for_server(location: str, client: ManagementClient) -> str:
    """A location as the server is to read it, which has another working directory."""
    is_here = location.startswith(_HERE) or os.path.exists(location)
    if client.address.is_here and is_here:
        return os.path.abspath(location)
    return location

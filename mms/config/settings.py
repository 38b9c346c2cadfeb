"""Settings: one frozen object, made once from what was asked for, handed down.

Each field is one option: see :mod:`mms.config.options`. They stand in :mod:`mms.config.groups`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Optional

from mms.config.device_flags import Wanted, stronger
from mms.config.groups.life import LifeOptions
from mms.config.groups.log import LogOptions
from mms.config.groups.management import ManagementOptions
from mms.config.groups.models import ModelOptions
from mms.config.groups.requests import RequestOptions
from mms.config.groups.security import SecurityOptions
from mms.config.groups.workers import WorkerOptions
from mms.config.options import Option, options_of
from mms.config.required_models import Required
from mms.config.source import Source
from mms.errors import UsageError

# In the place of a file of tokens.
NO_TOKEN = 'none'


@dataclass(frozen=True)
class Settings(LogOptions, LifeOptions, ManagementOptions, SecurityOptions,
               RequestOptions, WorkerOptions, ModelOptions):
    """What the server was asked to do.

    Attributes
    ----------
    sources
        Name of a field -> where its value comes from, where this is not the default.
    advice
        What the person who started the server should know of the sources.
    """

    sources: Mapping[str, Source] = field(default_factory=dict, compare=False, repr=False)
    advice: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def from_args(cls, args: argparse.Namespace) -> Settings:
        """Check what :meth:`ArgParser.extract_args` returned and make it typed.

        Values may be strings, as the command line has them, or already typed;
        attributes that are missing or None mean their default. Neither the environment nor a
        file is looked at: ``extract_args`` has done so.

        Raises
        ------
        UsageError
            A value cannot be used; the message names the flag, or where else it came from.
        """
        given = {name: value for name, each in OPTIONS.items()
                 if (value := getattr(args, each.dest, None)) is not None}
        known = getattr(args, 'sources', {})
        sources = {name: known.get(OPTIONS[name].dest, OPTIONS[name].on_command_line())
                   for name in given}
        made = cls(**{name: OPTIONS[name].reader.read(value, sources[name].name)
                      for name, value in given.items()},
                   sources=sources, advice=tuple(getattr(args, 'advice', ())))
        return _agreeing(made, given)

    def source_of(self, setting: str) -> Source:
        """Where the value of a field comes from."""
        return self.sources.get(setting, OPTIONS[setting].by_default())

    def said(self, setting: str) -> str:
        """The flag of a field, or the variable or key that gave its value, for messages."""
        return self.source_of(setting).name

    def workers_of(self, model: str) -> Optional[int]:
        """Workers of a model; None to choose."""
        return self.workers.of(model)

    @property
    def scheme(self) -> str:
        """Of the URLs of the server."""
        return 'http' if self.tls_cert is None else 'https'

    @property
    def wants_port(self) -> bool:
        """Whether there is to be a TCP port: not where a Unix socket alone is asked for."""
        return self.uds is None or 'port' in self.sources

    @property
    def required(self) -> Required:
        """The models without which the server is not ready."""
        if self.required_models is None:
            return Required(if_served=tuple(self.models))
        return self.required_models

    @property
    def all_devices(self) -> list[Wanted]:
        """Where anything is to run."""
        return [wanted for each in (self.gpu, self.device)
                for wanted in (each.common, *each.named.values())]

    def devices_of(self, model: str) -> Wanted:
        """Where the workers of a model are to run."""
        for each in (self.gpu, self.device):
            if model in each.named:
                return each.named[model]
        return self.gpu.common if self.gpu.common.said else self.device.common


OPTIONS: Mapping[str, Option[Any]] = options_of(fields(Settings))


def _agreeing(settings: Settings, given: Mapping[str, Any]) -> Settings:
    """The settings, once it is sure that they go with each other."""
    for name, each in (('gpu', settings.gpu), ('device', settings.device),
                       ('workers', settings.workers)):
        if settings.watch is None:
            # Others come to a folder later.
            each.check_names(settings.models, settings.said(name), given.get(name))
    least = settings.max_request_bytes
    if 'max_buffered_bytes' in given and settings.max_buffered_bytes < least:
        raise UsageError(
            f"{settings.said('max_buffered_bytes')} {given['max_buffered_bytes']!r} is less than "
            f'--max-request-size, {least} bytes: the largest request would never fit')
    if settings.drain_delay_s >= settings.shutdown_timeout_s:
        raise UsageError(
            f"{settings.said('drain_delay_s')} {settings.drain_delay_s:g} is not less than "
            f"{settings.said('shutdown_timeout_s')}, {settings.shutdown_timeout_s:g} seconds: no "
            'time would be left for the requests in flight')
    if settings.require_signed is not None and settings.service is not None:
        raise UsageError(
            f"{settings.said('service')} has an unsigned file run in the place of what was "
            f"signed, and {settings.said('require_signed')} is given: put the file into the "
            'archive, and sign that')
    if settings.auth_token_file is not None and settings.management_token == NO_TOKEN:
        raise UsageError(
            f"{settings.said('management_token')} {NO_TOKEN} asks nobody for a token, and "
            f"{settings.said('auth_token_file')} everybody: leave one of them out")
    gpu, device = stronger(settings.gpu, settings.device, settings.source_of('gpu'),
                           settings.source_of('device'))
    return replace(settings, gpu=gpu, device=device)

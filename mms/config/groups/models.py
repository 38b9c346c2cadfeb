"""Which models are served, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Optional

from mms.config.models import Models
from mms.config.options import Group, option
from mms.config.required_models import Required, RequiredModels
from mms.config.values import path, switch, text


@dataclass(frozen=True)
class ModelOptions:
    """Which models are served, and what they are."""

    models: Mapping[str, str] = option(
        '--models', Models(), 'required', Group.MODELS, metavar='NAME=LOCATION',
        unset=MappingProxyType({}), required=True, unless=('management_port', 'watch'),
        help='models to serve at `/NAME/predict`. LOCATION is a .model file, a directory that '
             'holds an extracted archive, or a `file://`, `http://`, `https://` or '
             '`s3://bucket/key` URL',
        more='See [locations](#locations). Not required with `--management-port` or `--watch`')
    service: Optional[str] = option(
        '--service', path(), 'none', Group.MODELS, metavar='FILE', unset=None,
        help="service file that replaces every archive's own")
    required_models: Optional[Required] = option(
        '--required-models', RequiredModels(), 'those of `--models`', Group.MODELS,
        metavar='NAME', unset=None,
        help='models without which `/health/ready` answers 503: names, `all` that are served, or '
             '`none`',
        more='See [health](health.md#ready)')
    watch: Optional[str] = option(
        '--watch', path(), 'none', Group.MODELS, metavar='DIR', unset=None,
        help='folder whose `.model` files are served under their names while they are there: one '
             'that appears is loaded, one that changes replaces the other, one that goes is '
             'drained',
        more='See [a folder that is watched](watch.md)')
    reload: bool = option(
        '--reload', switch(), 'folders are served in place', Group.MODELS, unset=False,
        help='serve the folders of `--models` as they are, also without a manifest, and load them '
             'anew when a file in them changes; for development',
        more='See [a folder that you work on](#a-folder-that-you-work-on)')
    strict: bool = option(
        '--strict', switch(), 'a warning', Group.MODELS, unset=False,
        help='stop the start where a model does not answer a made-up request, also if it may '
             'answer real ones',
        more='See [warm-up](custom_services.md#warm-up)')
    check: bool = option(
        '--check', switch(), 'off', Group.MODELS, unset=False,
        help='load each model, ask it once with a made-up request, print a table and exit: '
             '0 where all can be served, else 1; no port is opened',
        more='See [before a start](#before-a-start)')
    gen_api: Optional[str] = option(
        '--gen-api', text(), 'none', Group.MODELS, metavar='LANGUAGE',
        unset=None,
        help='write a client SDK for the served models to `build/`, then exit',
        more='See [client SDKs](sdk.md)')
    config: Optional[str] = option(
        '--config', path(), 'none', Group.MODELS, metavar='FILE', unset=None,
        in_file=False,
        help='TOML file with what neither the command line nor the environment says',
        more='See [the config file](#variables-and-the-config-file)')

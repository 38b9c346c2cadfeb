"""Settings: one frozen object, made once from what was asked for, handed down.

Each field is one option: see :mod:`mms.config.options`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Optional

from mms.config.cors_origins import EVERY_ORIGIN, Origins
from mms.config.defaults import DEFAULT_MAX_FORM_FIELDS, DEFAULT_MAX_IMAGE_PIXELS
from mms.config.device_flags import ANYWHERE, Wanted, devices, gpus, stronger
from mms.config.models import Models
from mms.config.options import Group, Option, option, options_of
from mms.config.per_model import PerModel, worker_counts
from mms.config.rate_limit import RateLimit
from mms.config.required_models import Required, RequiredModels
from mms.config.source import Source
from mms.config.trusted_proxies import TrustedProxies
from mms.config.values import (
    log_level,
    names,
    number,
    off_switch,
    one_of,
    origins,
    paths,
    proxies,
    rate_limit,
    rotation_time,
    size,
    switch,
    text,
    whole,
    whole_or_auto,
)
from mms.errors import UsageError
from mms.log.rotation import LEVELS, LogRotation

LOG_FORMATS = ('text', 'json')
# In the place of a file of tokens.
NO_TOKEN = 'none'
METRICS_SINKS = ('log', 'csv', 'cloudwatch')


@dataclass(frozen=True)
class Settings:
    """What the server was asked to do.

    Attributes
    ----------
    sources
        Name of a field -> where its value comes from, where this is not the default.
    advice
        What the person who started the server should know of the sources.
    """

    models: Mapping[str, str] = option(
        '--models', Models(), 'required', Group.MODELS, metavar='NAME=LOCATION',
        unset=MappingProxyType({}), required=True, unless=('management_port', 'watch'),
        help='models to serve at `/NAME/predict`. LOCATION is a .model file, a directory that '
             'holds an extracted archive, or a `file://`, `http://`, `https://` or '
             '`s3://bucket/key` URL',
        more='See [locations](#locations). Not required with `--management-port` or `--watch`')
    service: Optional[str] = option(
        '--service', text(), 'none', Group.MODELS, metavar='FILE', unset=None,
        help="service file that replaces every archive's own")
    required_models: Optional[Required] = option(
        '--required-models', RequiredModels(), 'those of `--models`', Group.MODELS,
        metavar='NAME', unset=None,
        help='models without which `/health/ready` answers 503: names, `all` that are served, or '
             '`none`',
        more='See [health](health.md#ready)')
    watch: Optional[str] = option(
        '--watch', text(), 'none', Group.MODELS, metavar='DIR', unset=None,
        help='folder whose `.model` files are served under their names while they are there: one '
             'that appears is loaded, one that changes replaces the other, one that goes is '
             'drained',
        more='See [a folder that is watched](watch.md)')
    strict: bool = option(
        '--strict', switch(), 'a warning', Group.MODELS, unset=False,
        help='stop the start where a model does not answer a made-up request, also if it may '
             'answer real ones',
        more='See [warm-up](custom_services.md#warm-up)')
    gen_api: Optional[str] = option(
        '--gen-api', text(), 'none', Group.MODELS, metavar='LANGUAGE',
        unset=None,
        help='write a client SDK for the served models to `build/`, then exit',
        more='See [client SDKs](sdk.md)')
    config: Optional[str] = option(
        '--config', text(), 'none', Group.MODELS, metavar='FILE', unset=None,
        in_file=False,
        help='TOML file with what neither the command line nor the environment says',
        more='See [the config file](#variables-and-the-config-file)')
    gpu: PerModel[Wanted] = option(
        '--gpu', gpus(), 'none, the CPU', Group.WORKERS, metavar='IDS', unset=PerModel(ANYWHERE),
        help='GPUs that the workers of each model take turns on: numbers from 0 with commas '
             'between them, `all`, or `NAME=IDS` for the model NAME alone; a worker on each, '
             'unless `--workers` says otherwise',
        more='See [devices](#devices). Several words may be given: `--gpu 0,1 flowers=2`')
    device: PerModel[Wanted] = option(
        '--device', devices(), '`cpu`', Group.WORKERS, metavar='DEVICES', unset=PerModel(ANYWHERE),
        help='the same in full: `cpu`, or `cpu:N` or `gpu:N` with commas between them, or '
             '`NAME=DEVICES`; workers on `cpu:N` have contexts as different as those of GPUs')
    workers: PerModel[Optional[int]] = option(
        '--workers', worker_counts(), 'auto', Group.WORKERS, metavar='N',
        help='workers of each model: a number, `NAME=N` for the model NAME alone, or `auto`, '
             'which weighs processors, models and memory',
        more='See [workers](#workers). Several words may be given: `--workers 2 flowers=4`')
    batch_size: Optional[int] = option(
        '--batch-size', whole_or_auto(1024), 'auto', Group.WORKERS, metavar='N',
        help='most requests that run together, or `auto`: as many as it pays',
        more='1 for none. Sizes that do not pay are not used, whatever N is; see '
             '[how batches form](performance.md#how-batches-form)')
    max_batch_delay_ms: float = option(
        '--max-batch-delay', number('milliseconds', 0.0, 60_000.0), '0', Group.WORKERS,
        metavar='MS',
        help='how long a request may wait for others to run with, in milliseconds')
    optimize: bool = option(
        '--no-optimize', off_switch(), 'fused where this is equal and faster',
        Group.WORKERS, unset=True,
        help='run Gluon networks as their service made them, never fused',
        more='See [fused graphs](performance.md#fused-graphs)')
    max_requests_per_worker: int = option(
        '--max-requests-per-worker', whole(0, 10**9), '0', Group.WORKERS, metavar='N',
        help='replace a worker after so many requests; 0 for never',
        more='See [recycling](#recycling)')
    max_worker_memory_bytes: int = option(
        '--max-worker-memory', size(), 'no limit', Group.WORKERS, metavar='SIZE', unset=0,
        help='replace a worker that has more memory of its own, in bytes or with K, M or G',
        more='See [recycling](#recycling)')
    host: str = option(
        '--host', text(empty='127.0.0.1'), '127.0.0.1', Group.REQUESTS,
        metavar='HOST',
        help='address to listen on',
        more='`0.0.0.0` for all IPv4 addresses of the machine')
    port: int = option(
        '--port', whole(0, 65535), '8080', Group.REQUESTS, metavar='PORT',
        help='TCP port; 0 picks a free one',
        more='The first line of the output names it')
    uds: Optional[str] = option(
        '--uds', text(), 'none', Group.REQUESTS, metavar='PATH', unset=None,
        help='Unix socket to listen on, in the place of the TCP port unless `--port` is given too',
        more='See [a Unix socket](#a-unix-socket)')
    # Clients that wait a minute for a slow model are common; a thousand that do are a queue.
    queue_size: int = option(
        '--queue-size', whole(1, 10**6), '1000', Group.REQUESTS, metavar='N',
        help='requests of one model that may wait; more are answered 503')
    request_timeout_s: float = option(
        '--request-timeout', number('seconds', 0.001, 86_400.0), '120', Group.REQUESTS,
        metavar='SECONDS',
        help='a request without an answer by then is answered 504, and a worker that takes longer '
             'is replaced')
    max_request_bytes: int = option(
        '--max-request-size', size(), '64M', Group.REQUESTS, metavar='SIZE',
        help='largest request body, in bytes or with K, M or G; a larger one is answered 413')
    max_buffered_bytes: int = option(
        '--max-buffered-bytes', size(), 'a quarter of the memory that is free at the start',
        Group.REQUESTS, metavar='SIZE', unset=0,
        help='most bytes of requests and answers that the server holds on their way, in bytes or '
             'with K, M or G; what is more is answered 503',
        more='The answer has `Retry-After`. Not less than `--max-request-size`')
    max_image_pixels: int = option(
        '--max-image-pixels', whole(1, 2**31), str(DEFAULT_MAX_IMAGE_PIXELS), Group.REQUESTS,
        metavar='N',
        help='largest picture, in pixels (width times height); a larger one is answered 400 before '
             'it is decoded')
    max_form_fields: int = option(
        '--max-form-fields', whole(1, 10**6), str(DEFAULT_MAX_FORM_FIELDS), Group.REQUESTS,
        metavar='N',
        help='most fields and files of a form; one with more is answered 413')
    forwarded_allow_ips: TrustedProxies = option(
        '--forwarded-allow-ips', proxies(), '127.0.0.1,::1,unix', Group.REQUESTS, metavar='IPS',
        other_variable='FORWARDED_ALLOW_IPS',
        help='proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` count: '
             'addresses and networks with commas between them, `unix` for clients of `--uds`, or '
             '`*` for everybody',
        more='The variable `FORWARDED_ALLOW_IPS` says it too, as to gunicorn and uvicorn. See '
             '[behind a proxy](logs.md#behind-a-proxy)')
    tls_cert: Optional[str] = option(
        '--tls-cert', text(), 'plain HTTP', Group.SECURITY, metavar='FILE', unset=None,
        help='PEM file of the certificate for TLS on every port, its chain behind it; read again '
             'when it changes',
        more='See [TLS](tls.md)')
    tls_key: Optional[str] = option(
        '--tls-key', text(), 'in the file of `--tls-cert`', Group.SECURITY, metavar='FILE',
        unset=None,
        help='PEM file of the private key of `--tls-cert`, not encrypted')
    tls_client_ca: Optional[str] = option(
        '--tls-client-ca', text(), 'clients need no certificate', Group.SECURITY, metavar='FILE',
        unset=None,
        help='PEM file of authorities: every client has to show a certificate that one of them '
             'has signed',
        more='See [certificates of clients](tls.md#certificates-of-clients)')
    auth_token_file: Optional[str] = option(
        '--auth-token-file', text(), 'nobody is asked', Group.SECURITY, metavar='FILE', unset=None,
        help='file of tokens, one on each line with what it is good for (`TOKEN '
             'predict,metrics,manage`); all requests but probes are asked for one',
        more='See [access](access.md)')
    cors_origins: Origins = option(
        '--cors-origins', origins(), '*', Group.SECURITY, metavar='ORIGINS', unset=EVERY_ORIGIN,
        help='pages that may ask and read answers in a browser: origins such as '
             '`https://example.com` with commas between them, `*` for all, or `none`',
        more='See [pages of browsers](access.md#pages-of-browsers)')
    max_connections: int = option(
        '--max-connections', whole(1, 10**6),
        'as many as descriptors allow, 10000 at most', Group.SECURITY, metavar='N', unset=0,
        help='most open connections of each port; beyond that the one that has been idle for '
             'longest is closed for a new one, which is answered 503 where all are in use',
        more='See [limits](limits.md#connections)')
    max_connections_per_client: int = option(
        '--max-connections-per-client', whole(0, 10**6), '0', Group.SECURITY, metavar='N',
        help='most open connections of one address, or one /64 of IPv6, on each port; more are '
             'answered 429; 0 for any number',
        more='Those of `--forwarded-allow-ips` may have more. See '
             '[limits](limits.md#connections)')
    rate_limit: Optional[RateLimit] = option(
        '--rate-limit', rate_limit(), 'none', Group.SECURITY, metavar='N/UNIT', unset=None,
        help='requests that one client may make in a second (`100/s`), a minute (`600/m`) or an '
             'hour (`5000/h`); more are answered 429',
        more='See [limits](limits.md#requests-of-one-client)')
    max_header_bytes: int = option(
        '--max-header-size', size(1024, 16 * 1024**2), '64K', Group.SECURITY, metavar='SIZE',
        help='largest head of a request, with the trailers of its body, in bytes or with K, M or '
             'G; a larger one is answered 431')
    max_headers: int = option(
        '--max-headers', whole(10, 10_000), '100', Group.SECURITY, metavar='N',
        help='most header lines of a request; more are answered 431')
    min_transfer_rate: int = option(
        '--min-transfer-rate', size(0), '1K', Group.SECURITY, metavar='SIZE',
        help='bytes a second, or with K, M or G, that a request body has to come with, and an '
             'answer to be taken with, in each 30 seconds; 0 for any',
        more='See [limits](limits.md#slow-clients)')
    drain_delay_s: float = option(
        '--drain-delay', number('seconds', 0.0, 3600.0), '0', Group.LIFE, metavar='SECONDS',
        help='how long new connections are still taken after SIGTERM, while `/health/ready` says '
             'that the server goes',
        more='See [stopping](signals.md#stopping)')
    shutdown_timeout_s: float = option(
        '--shutdown-timeout', number('seconds', 1.0, 86_400.0), '25', Group.LIFE,
        metavar='SECONDS',
        help='how long the end may take from SIGTERM on; requests that take longer are answered '
             '503')
    reuse_port: bool = option(
        '--reuse-port', switch(), 'a busy port stops the start', Group.LIFE, unset=False,
        help='share the port with other servers that do so, which may take over from each other',
        more='See [takeover](signals.md#takeover)')
    worker_user: Optional[str] = option(
        '--worker-user', text(), 'that of the server', Group.SECURITY, metavar='USER', unset=None,
        help='user, or `USER:GROUP`, as whom the processes of models run, which have none of the '
             "server's rights and secrets then; names or numbers",
        more='The server has to be root. See [the user of the workers](worker_user.md)')
    worker_env: tuple[str, ...] = option(
        '--worker-env', names(), 'none', Group.SECURITY, metavar='NAMES', unset=(),
        help='environment variables that processes of models get although they may be secrets, '
             'with commas between them; `AWS_*` stands for all that begin like it',
        more='See [their environment](worker_user.md#the-environment)')
    require_signed: Optional[str] = option(
        '--require-signed', text(), 'none', Group.SECURITY, metavar='PUBKEYS', unset=None,
        help='PEM file of Ed25519 public keys: only archives are served that one of them has '
             'signed, wherever they come from',
        more='Read again on SIGHUP. See [signed archives](signed_archives.md)')
    max_download_bytes: int = option(
        '--max-download-size', size(), '16G', Group.SECURITY, metavar='SIZE',
        help='largest archive that is downloaded, in bytes or with K, M or G')
    download_timeout_s: float = option(
        '--download-timeout', number('seconds', 1.0, 86_400.0), '3600', Group.SECURITY,
        metavar='SECONDS',
        help='how long the download of an archive may take in all',
        more='One that brings less than 256 KB a minute ends sooner')
    management_port: Optional[int] = option(
        '--management-port', whole(0, 65535), 'off', Group.MANAGEMENT, metavar='PORT', unset=None,
        help='TCP port on which models are loaded, replaced, scaled and removed while the server '
             'runs; 0 picks a free one',
        more='See [management](management.md)')
    management_host: str = option(
        '--management-host', text(empty='127.0.0.1'), '127.0.0.1', Group.MANAGEMENT,
        metavar='HOST',
        help='address on which the management port listens')
    management_token: Optional[str] = option(
        '--management-token', text(), 'made at each start', Group.MANAGEMENT, metavar='FILE',
        unset=None,
        help='file of the tokens that the management port takes, one on each line, or `none` for '
             'no token',
        more='See [the token](management.md#the-token)')
    model_store: Optional[str] = option(
        '--model-store', text(), 'none', Group.MANAGEMENT, metavar='DIR', unset=None,
        help='folder outside of which the management port loads nothing; a relative location is '
             'looked for there',
        more='See [what may be loaded](management.md#what-may-be-loaded)')
    log_file: str = option(
        '--log-file', text(empty='mms_app.log'), 'mms_app.log', Group.LOG,
        metavar='FILE',
        help='log file, rotated; in the current directory if FILE is a mere name; `-` is standard '
             'output',
        more='In a container `-` is what its log collector wants: see '
             '[containers](logs.md#containers)')
    log_format: str = option(
        '--log-format', one_of(*LOG_FORMATS), 'text', Group.LOG, metavar='FORMAT',
        choices=LOG_FORMATS,
        help='lines for people and for what has always read them (`text`), or one JSON object a '
             'line (`json`)',
        more='See [JSON lines](logs.md#json-lines)')
    log_rotation: LogRotation = option(
        '--log-rotation-time', rotation_time(), '1 H', Group.LOG, metavar='WHEN',
        help='when the log file is rotated: "N UNIT" with UNIT S, M, H or D (seconds, minutes, '
             'hours, days), a weekday W0 (Monday) to W6, midnight, or never',
        more='See [the log file](logs.md#the-log-file)')
    log_level: int = option(
        '--log-level', log_level(), 'INFO', Group.LOG, metavar='LEVEL',
        help=f"least level that is logged: {', '.join(LEVELS)}")
    verbose: bool = option(
        '--verbose', switch(), 'ten lines at most', Group.LOG, unset=False,
        help='show on a terminal all that is logged, also at a start',
        more='See [the terminal](logs.md#the-terminal)')
    access_log_exclude: tuple[str, ...] = option(
        '--access-log-exclude', paths(), 'none', Group.LOG, metavar='PATHS', unset=(),
        help='paths whose requests leave no line in the log, with commas between them; '
             '`/health/*` stands for all that begin like it')
    slow_request_s: float = option(
        '--slow-request', number('seconds', 0.0, 86_400.0), '0', Group.LOG, metavar='SECONDS',
        help='a request that takes longer leaves a warning with the time of each phase; 0 for '
             'never',
        more='See [slow requests](logs.md#slow-requests)')
    metrics_write_to: str = option(
        '--metrics-write-to', one_of(*METRICS_SINKS), 'log', Group.LOG, metavar='KIND',
        choices=METRICS_SINKS,
        help='where metrics go each minute: the `log`, `metrics/mms_NAME.csv` files in the '
             'current directory (`csv`), or AWS CloudWatch (`cloudwatch`)',
        more='See [metrics](metrics.md)')
    metrics_port: Optional[int] = option(
        '--metrics-port', whole(0, 65535), 'none', Group.LOG, metavar='PORT', unset=None,
        help='another TCP port that answers `/metrics`, also while models load; 0 picks a free one',
        more='The log names it. See [Prometheus](metrics.md#prometheus)')
    metrics_host: str = option(
        '--metrics-host', text(), 'that of `--host`', Group.LOG, metavar='HOST', unset='',
        help='address to listen on with `--metrics-port`')
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

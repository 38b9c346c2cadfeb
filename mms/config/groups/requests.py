"""Where requests come in, and what they may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from mms.config.defaults import DEFAULT_MAX_FORM_FIELDS, DEFAULT_MAX_IMAGE_PIXELS
from mms.config.options import Group, option
from mms.config.trusted_proxies import TrustedProxies
from mms.config.values import number, path, proxies, size, text, whole, whole_or_auto


@dataclass(frozen=True)
class RequestOptions:
    """Where requests come in, and what they may be."""

    host: str = option(
        '--host', text(empty='127.0.0.1'), '127.0.0.1', Group.REQUESTS,
        metavar='HOST',
        help='address to listen on',
        more='`0.0.0.0` for all IPv4 addresses of the machine')
    port: int = option(
        '--port', whole(0, 65535), '8080', Group.REQUESTS, metavar='PORT',
        other_variable='SAGEMAKER_BIND_TO_PORT',
        help='TCP port; 0 picks a free one',
        more='The first line of the output names it. The variable `SAGEMAKER_BIND_TO_PORT` says '
             'it too: see [SageMaker](deploy_docker.md#sagemaker)')
    uds: Optional[str] = option(
        '--uds', path(), 'none', Group.REQUESTS, metavar='PATH', unset=None,
        help='Unix socket to listen on, in the place of the TCP port unless `--port` is given too',
        more='See [a Unix socket](#a-unix-socket)')
    front_processes: Optional[int] = option(
        '--front-processes', whole_or_auto(64), 'auto', Group.REQUESTS, metavar='N',
        help='processes that speak HTTP for the port, or `auto`: as many as pay on the cores that '
             'there are',
        more='See [front processes](performance.md#front-processes)')
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

"""Download archives from ``s3://bucket/key`` through boto3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Optional

from mms.archive.limits import DownloadLimits
from mms.archive.location import Location
from mms.archive.sources.download import (
    CHUNK_BYTES,
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    Interrupted,
    check_length,
    file_in,
    save,
    with_retries,
)
from mms.archive.sources.pace import Pace
from mms.archive.sources.source import Source
from mms.errors import FetchError, MissingExtraError

_CODE_HINTS = {
    'NoSuchBucket': 'there is no bucket {bucket!r}',
    'NoSuchKey': 'bucket {bucket!r} holds no key {key!r}',
    'AccessDenied': 'access is denied to these credentials',
    '403': 'access is denied to these credentials',
    'InvalidAccessKeyId': 'the AWS access key is not known',
    'SignatureDoesNotMatch': 'the AWS secret key does not match',
    'ExpiredToken': 'the AWS session token has expired',
    'PermanentRedirect': 'the bucket is in another region: set AWS_DEFAULT_REGION',
}


class S3Source(Source):
    """Objects of S3, or of a service that answers as S3 does."""

    def fetch(self, location: Location, into: str, progress: bool, limits: DownloadLimits) -> str:
        """Download the object into the folder `into` and return the file's path.

        Credentials, region and endpoint come from where boto3 looks for them.

        Raises
        ------
        FetchError
            No credentials, bucket, key or permission, no connection, no room; or it takes too
            long, or is too large.
        MissingExtraError
            boto3 is not installed.
        """
        bucket, _, key = location.text.partition('://')[2].partition('/')
        if not bucket or not key or key.endswith('/'):
            raise FetchError(f'{location} is not an S3 location: give s3://bucket/key')
        client = _client(location)
        path = file_in(into, key)
        pace = Pace(location.redacted, limits.seconds)
        return with_retries(lambda: _attempt(client, bucket, key, path, progress,
                                             limits, pace), pace)


def _client(location: Location) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as exc:
        raise MissingExtraError('s3:// locations', 's3') from exc
    config = Config(connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S,
                    retries={'total_max_attempts': 1})
    try:
        # A session of its own: boto3's default session is not safe across threads.
        return boto3.session.Session().client('s3', config=config)
    except (BotoCoreError, ValueError) as exc:
        raise FetchError(f'{location}: {_one_line(exc)}') from exc


def _attempt(
    client: Any, bucket: str, key: str, path: str, progress: bool, limits: DownloadLimits,
    pace: Pace
) -> str:
    shown = f's3://{bucket}/{key}'
    answer = _get(client, bucket, key, shown)
    total = answer.get('ContentLength')
    with closing(answer['Body']) as body:
        save(_chunks(body, total, shown, pace), path, total, shown, progress, limits)
    return path


def _get(client: Any, bucket: str, key: str, shown: str) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer: dict[str, Any] = client.get_object(Bucket=bucket, Key=key)
    except ClientError as exc:
        raise _refusal(exc, bucket, key, shown) from exc
    except BotoCoreError as exc:
        raise _failure(exc, shown) from exc
    except Exception as exc:
        # boto3 raises what comes when it reads headers that S3 would not send.
        raise _strange(exc, shown) from exc
    return answer


def _refusal(exc: Any, bucket: str, key: str, shown: str) -> FetchError:
    code = str(exc.response.get('Error', {}).get('Code', 'unknown'))
    status = exc.response.get('ResponseMetadata', {}).get('HTTPStatusCode', 0)
    hint = _CODE_HINTS.get(code, 'S3 answered {code}').format(bucket=bucket, key=key, code=code)
    kind = Interrupted if status >= 500 else FetchError
    return kind(f'{shown}: {hint}')


def _failure(exc: Exception, shown: str) -> FetchError:
    from botocore import exceptions

    if isinstance(exc, (exceptions.NoCredentialsError, exceptions.PartialCredentialsError)):
        return FetchError(f'{shown}: no AWS credentials were found: run `aws configure`, '
                          'or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    if isinstance(exc, (exceptions.ConnectionError, exceptions.HTTPClientError)):
        return Interrupted(f'{shown}: S3 cannot be reached ({type(exc).__name__})')
    return FetchError(f'{shown}: {_one_line(exc)}')


def _strange(exc: Exception, shown: str) -> FetchError:
    return FetchError(f'{shown}: the endpoint does not answer as S3 does '
                      f'({type(exc).__name__}: {_one_line(exc)})')


def _chunks(body: Any, total: Optional[int], shown: str, pace: Pace) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError

    received = 0
    try:
        for chunk in body.iter_chunks(CHUNK_BYTES):
            received += len(chunk)
            pace.count(len(chunk))
            yield chunk
    except (BotoCoreError, OSError) as exc:
        raise Interrupted(f'{shown}: the connection broke off') from exc
    except ValueError as exc:
        raise _strange(exc, shown) from exc
    check_length(received, total, shown)


def _one_line(exc: Exception) -> str:
    return ' '.join(str(exc).split())

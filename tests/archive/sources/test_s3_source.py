import http.server
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from extras import extra, needs

from mms.archive.fetch import fetch
from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.errors import FetchError, MissingExtraError, UntrustedError

boto3 = extra('boto3')
moto_server = extra('moto.server')

BODY = bytes(range(256)) * 5000


@pytest.fixture(scope='module')
def moto():
    server = moto_server.ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f'http://{host}:{port}'
    server.stop()


@pytest.fixture(autouse=True)
def aws(monkeypatch, tmp_path):
    """An environment in which only this test's settings are found."""
    monkeypatch.setattr('mms.archive.sources.download.BACK_OFF_S', (0.0, 0.0, 0.0))
    for name in list(os.environ):
        if name.startswith('AWS_') or name.lower().endswith('_proxy'):
            monkeypatch.delenv(name)
    for name in ('AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'):
        monkeypatch.setenv(name, str(tmp_path / 'none'))
    monkeypatch.setenv('AWS_EC2_METADATA_DISABLED', 'true')
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', 'a-key')
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'hunter2')


@pytest.fixture
def bucket(moto, monkeypatch):
    monkeypatch.setenv('AWS_ENDPOINT_URL', moto)
    client = boto3.client('s3', region_name='us-east-1')
    client.create_bucket(Bucket='models')
    yield client
    for entry in client.list_objects(Bucket='models').get('Contents', []):
        client.delete_object(Bucket='models', Key=entry['Key'])
    client.delete_bucket(Bucket='models')


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers every request with `server.status` and `server.body`, of `server.length`;
    `server.more` are further headers."""

    def do_GET(self):
        self.server.count += 1
        self.send_response(self.server.status)
        length = str(self.server.length or len(self.server.body))
        for name, value in {'Content-Length': length, **self.server.more}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def answering(monkeypatch):
    """A server in the place of S3."""
    httpd = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answer)
    httpd.count, httpd.length, httpd.more = 0, None, {}
    monkeypatch.setenv('AWS_ENDPOINT_URL', f'http://127.0.0.1:{httpd.server_port}')
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def refusal(location, into):
    with pytest.raises(FetchError) as caught:
        fetch(Location.parse(location), into)
    message = str(caught.value)
    assert message.startswith(location)
    assert '\n' not in message
    assert 'hunter2' not in message
    assert os.listdir(into) == []
    return message


def test_an_object_is_downloaded(bucket, into):
    bucket.put_object(Bucket='models', Key='deep/er/net.model', Body=BODY)
    path = fetch(Location.parse('s3://models/deep/er/net.model'), into)
    assert path == os.path.join(into, 'net.model')
    assert Path(path).read_bytes() == BODY
    assert os.listdir(into) == ['net.model']


def test_a_key_is_taken_as_it_is_written(bucket, into):
    bucket.put_object(Bucket='models', Key='a%20b c?d#e.model', Body=BODY)
    assert Path(fetch(Location.parse('s3://models/a%20b c?d#e.model'), into)).read_bytes() == BODY


def test_an_archive_is_served_from_s3(bucket, make_zip, files, workspace):
    bucket.put_object(Bucket='models', Key='net.model', Body=Path(make_zip(files)).read_bytes())
    model = open_model('net', Location.parse('s3://models/net.model'), workspace)
    assert sorted(os.listdir(model.model_dir)) == sorted(files)


@needs('cryptography')
def test_the_signature_of_an_archive_lies_beside_it(bucket, make_zip, files, workspace, tmp_path):
    from mms.archive.admission import Admission
    from mms.archive.keys import PublicKeys
    from mms.archive.writer import sign_archive

    for words in (['genpkey', '-algorithm', 'ed25519', '-out', 'key'],
                  ['pkey', '-in', 'key', '-pubout', '-out', 'pub']):
        subprocess.run(['openssl', *words], cwd=tmp_path, check=True, capture_output=True)
    admission = Admission(PublicKeys(str(tmp_path / 'pub'), '--require-signed'))
    archive, location = make_zip(files), Location.parse('s3://models/nets/tiny.model')
    bucket.upload_file(archive, 'models', 'nets/tiny.model')
    with pytest.raises(UntrustedError, match=r"holds no key 'nets/tiny\.model\.sig'"):
        open_model('net', location, workspace, admission=admission)
    bucket.upload_file(sign_archive(archive, str(tmp_path / 'key')), 'models',
                       'nets/tiny.model.sig')
    assert open_model('net', location, workspace, admission=admission).model_name == 'tiny'


def test_a_missing_bucket_is_named(bucket, into):
    message = refusal('s3://no-such-bucket/net.model', into)
    assert "there is no bucket 'no-such-bucket'" in message


def test_a_missing_key_is_named(bucket, into):
    message = refusal('s3://models/none.model', into)
    assert "bucket 'models' holds no key 'none.model'" in message


@pytest.mark.parametrize('location', ['s3://', 's3://models', 's3://models/', 's3:///net.model',
                                      's3://models/folder/'])
def test_a_location_without_bucket_or_key_is_refused(into, location):
    assert 'give s3://bucket/key' in refusal(location, into)


def test_a_bucket_name_that_cannot_be_is_refused(into):
    assert 'Invalid bucket name' in refusal('s3://No Bucket/net.model', into)


def test_without_credentials_the_message_says_how_to_give_them(bucket, into, monkeypatch):
    monkeypatch.delenv('AWS_ACCESS_KEY_ID')
    monkeypatch.delenv('AWS_SECRET_ACCESS_KEY')
    assert 'set AWS_ACCESS_KEY_ID' in refusal('s3://models/net.model', into)


def test_an_unknown_profile_is_refused(into, monkeypatch):
    monkeypatch.setenv('AWS_PROFILE', 'nobody')
    assert 'nobody' in refusal('s3://models/net.model', into)


def test_a_denied_access_says_so(answering, into):
    answering.status = 403
    answering.body = b'<Error><Code>AccessDenied</Code><Message>no</Message></Error>'
    assert 'access is denied' in refusal('s3://models/net.model', into)
    assert answering.count == 1


def test_a_server_error_is_tried_again_and_then_told(answering, into):
    answering.status = 503
    answering.body = b'<Error><Code>SlowDown</Code><Message>busy</Message></Error>'
    assert 'S3 answered SlowDown' in refusal('s3://models/net.model', into)
    assert answering.count == 4


def test_a_short_body_is_an_error(answering, into):
    answering.status, answering.body, answering.length = 200, BODY[:1000], len(BODY)
    assert 'broke off' in refusal('s3://models/net.model', into)


def test_an_endpoint_that_is_not_there_is_an_error(into, monkeypatch):
    monkeypatch.setenv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
    assert 'S3 cannot be reached' in refusal('s3://models/net.model', into)


def test_progress_is_shown_when_asked_for(bucket, into, capsys):
    bucket.put_object(Bucket='models', Key='net.model', Body=BODY)
    fetch(Location.parse('s3://models/net.model'), into, progress=True)
    assert 'net.model' in capsys.readouterr().err


def test_without_boto3_the_message_names_the_extra(into, monkeypatch):
    monkeypatch.setitem(sys.modules, 'boto3', None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mxnet-model-server\[s3\]'"):
        fetch(Location.parse('s3://models/net.model'), into)


@pytest.mark.parametrize('header', [
    ('Content-Length', 'many'), ('Last-Modified', '\x1b'), ('x-amz-checksum-crc32', 'zz'),
])
def test_an_endpoint_that_is_no_s3_is_told_as_that(answering, into, header):
    answering.status, answering.body, answering.more = 200, BODY, dict([header])
    assert 'the endpoint does not answer as S3 does' in refusal('s3://models/net.model', into)


def test_an_answer_without_a_length_is_taken_whole(answering, into):
    answering.status, answering.body, answering.more = 200, BODY, {'Content-Length': None}
    assert Path(fetch(Location.parse('s3://models/net.model'), into)).read_bytes() == BODY

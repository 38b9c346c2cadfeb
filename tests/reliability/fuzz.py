"""A coverage-guided fuzz run: ``fuzz.py TARGET --seconds N``; without a target, of all in turn.

What it finds is printed with its traceback and written to ``build/fuzz``, and the exit status is 1.
`corpus/TARGET` holds the inputs that a run begins with, each of which reaches other branches;
``--keep`` merges into it what a run has found, and leaves out what adds nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
CORPUS = HERE / 'corpus'
FOUND = REPO / 'build' / 'fuzz'
# libFuzzer's own words for how far it has come.
_DONE = re.compile(r'^#(\d+)\s+DONE\s+cov: (\d+) ft: (\d+) corp: (\d+)/', re.MULTILINE)
_RUNS = re.compile(r'^#(\d+)\s', re.MULTILINE)
# Any single input takes less, on a machine that is busy too.
_TIMEOUT_S = 20
_RSS_MB = 1024
# Says that this process is to become libFuzzer.
_HERE = '--here'

# Target -> module and function, the longest input, and words that its language has.
TARGETS = {
    'json': ('target_codecs', 'check_json', 600,
             ['null', 'true', 'false', 'NaN', '-Infinity', '\\u', '\\ud83d', '1e400', '[', '{"a":',
              '18446744073709551616', '-0', '0.1', '"\\"', '],[', '\\\\']),
    'literal': ('target_codecs', 'check_literal', 600,
                ["b'", "r'", "u'", "rb'", "'''", '"""', 'None', 'True', 'False', '0x', '0b1', '0o7',
                 '1_0', '1e5', '1j', '\\N{BULLET}', '\\x41', '\\u0041', '\\777', '#', '(1,)',
                 '{1,2}', '{1:2}', '\\\n', '()', '-1', '+', '[', "'a' 'b'"]),
    'form': ('target_codecs', 'check_form', 1200,
             ['--aBc', '--aBc--', '\r\n', '\r\n\r\n', 'Content-Disposition: form-data; name="data"',
              '; filename="x.jpg"', 'Content-Type: ', 'text/plain; charset=iso-8859-1',
              'Content-Transfer-Encoding: base64', "filename*=utf-8''%e2", 'name=', '\\"', '\n ']),
    'urlencoded': ('target_codecs', 'check_urlencoded', 600,
                   ['%', '%41', '%C3%A9', '%ed%a0%80', '&', '=', '+', 'data=', '%F0%9F%98%80']),
    'request': ('target_codecs', 'check_request', 1200,
                ['m\n--aBc\r\n', 'u\n', 'data=', '&picture=', '[[1,2]]', '/9j/', 'iVBORw0KGgo',
                 'Content-Disposition: form-data; name="picture"; filename="x"\r\n\r\n',
                 'Content-Disposition: form-data; name="data"\r\n\r\n', '\r\n--aBc--']),
    'body': ('target_bodies', 'check_body', 1200,
             ['bd\napplication/json\n', 'b2!\napplication/json\n', 'sp\nimage/jpeg\n',
              'bp\nmultipart/form-data; boundary=aBc\n', 'c2\n', 'od\n\n', 'op\n', 'o2\n0\n',
              '{"data":[', '{"data":', '{"picture":', '[[1,2]]', '"/9j/"', '"iVBORw0KGgo="', '1e15',
              '\\ud800', '{"inputs":[', '"name":"data"', '"name":"picture"', '"shape":[2,1]',
              '"shape":[1]', '"datatype":"BYTES"', '"datatype":"FP32"', '"outputs":[{',
              '"parameters":{', '"binary_data_size":8', '"binary_data":true', '"classification":1',
              '}]}']),
    'manifest': ('target_documents', 'check_manifest', 1200,
                 ['"Model"', '"Engine"', '"Model-Server"', '"Service"', '"service.py"', '"..',
                  '"Signature"', '"Model-Format"', '"MXNet-Symbolic"', '"Symbol"', '\\u0000', 'NaN',
                  '\\ud800', '{}', '""']),
    'signature': ('target_documents', 'check_signature', 1200,
                  ['"inputs"', '"outputs"', '"data_name"', '"data_shape"', '"input_type"',
                   '"output_type"', '"image/jpeg"', '"application/json"', '"sample"', '\\u0000',
                   '"output_format"', '"lists"', '[0,3,8,8]', '1e9', '\\ud800',
                   '9223372036854775807']),
    'frames': ('target_frames', 'check_frames', 1500,
               ['"requests"', '"answers"', '"places"', '"classic"', '{"room": 1}', '[]', 'null',
                '\x00\x00\x00\x02{}', '{"pid": 1}', '1e999', '-1']),
    'heads': ('target_heads', 'check_requests', 1200,
              ['GET / HTTP/1.1\r\n', 'POST /p HTTP/1.1\r\n', 'Content-Length: ', 'Host: x\r\n',
               'Transfer-Encoding: chunked\r\n', '\r\n\r\n', '0\r\n\r\n', '3\r\nabc\r\n',
               'Connection: close\r\n', 'Expect: 100-continue\r\n', ' HTTP/1.0\r\n', 'http://h/',
               'Upgrade: websocket\r\n', '%00', '\x85', '\xa0', '\x0b', '\x1c']),
    'options': ('target_options', 'check_options', 600,
                ['\x1e', '\x1d', '\x1f', '--models', 'MMS_PORT=', 'MMS_WORKERS=', 'port = ',
                 'workers = ', '[models]\n', 'auto', 'm=2', 'all', 'cpu:0', '0x', '64M', '"']),
    'archive': ('target_archives', 'check_archive', 3000,
                ['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07',
                 'MANIFEST.json', 'signature.json', '../', '\\', '\x00']),
    'parameters': ('target_archives', 'check_parameters', 400,
                   ['\x12\x01\x00\x00\x00\x00\x00\x00', '\xc9\xfa\x93\xf9', '\xc8\xfa\x93\xf9',
                    '\xca\xfa\x93\xf9', '\xff\xff\xff\xff']),
    'picture': ('target_pictures', 'check_picture', 2000,
                ['\xff\xd8\xff', '\xff\xc0', '\xff\xc2', '\xff\xda', '\xff\xc4', '\xff\xdb',
                 '\xff\xd9', '\x89PNG\r\n\x1a\n', 'IHDR', 'IDAT', 'PLTE', 'tRNS', 'IEND', 'BM',
                 'II*\x00', 'MM\x00*', 'RIFF', 'WEBP', 'VP8 ', 'VP8L', 'VP8X', '\x00\x00\x01\x00']),
    'picture-input': ('target_pictures', 'check_input', 1500,
                      ['data:image/png;base64,', '/9j/', 'iVBORw0KGgo', 'Qk0', '\xff\xd8\xff',
                       'GIF89a', 'BM', 'II*\x00']),
}


def check_of(target):
    """The function that checks one input."""
    module, name, *_ = TARGETS[target]
    return getattr(__import__(module), name)


def replay(target):
    """Check each input of the corpus; how many there are."""
    check, inputs = check_of(target), sorted((CORPUS / target).iterdir())
    for path in inputs:
        try:
            check(path.read_bytes())
        except Exception as error:
            raise AssertionError(f'{path}: {error!r}') from error
    return len(inputs)


def run(target, seconds, *, seed=1, corpus=None, keep=False):
    """Fuzz in a process of its own: libFuzzer ends the one that it runs in.

    Returns
    -------
    dict
        ``executions``, ``branches``, ``features`` and ``inputs``; ``failure`` is what the process
        has printed where it found something, else empty.
    """
    FOUND.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='mms-fuzz-') as folder:
        new = Path(folder) / 'corpus'
        new.mkdir()
        words = Path(folder) / 'words'
        words.write_text('\n'.join(map(_quoted, TARGETS[target][3])), encoding='ascii')
        begin = corpus or CORPUS / target
        process = _libfuzzer(target, f'-max_total_time={seconds}', f'-seed={seed}',
                             f'-dict={words}', new, begin)
        found = process.stderr + process.stdout
        done = _DONE.findall(found)
        runs = max((int(number) for number in _RUNS.findall(found)), default=0)
        numbers = [int(each) for each in done[-1]] if done else [runs, 0, 0, 0]
        result = dict(zip(('executions', 'branches', 'features', 'inputs'), numbers))
        result['failure'] = '' if process.returncode == 0 else found[-6000:]
        if keep and not result['failure']:
            _merge(target, new, begin, Path(folder))
        return result


def _merge(target, new, begin, folder):
    """Have the corpus hold the smallest inputs that reach all that both reach."""
    merged = folder / 'merged'
    merged.mkdir()
    # libFuzzer starts itself again, by the first of its words.
    again = folder / 'again'
    again.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {_HERE} {target} "$@"\n')
    again.chmod(0o700)
    _libfuzzer(target, '-merge=1', merged, begin, new, command=again)
    if not any(merged.iterdir()):
        raise RuntimeError(f'nothing of {begin} is left')
    for path in begin.iterdir():
        path.unlink()
    for path in merged.iterdir():
        (begin / path.name[:12]).write_bytes(path.read_bytes())


def _libfuzzer(target, *words, command=__file__):
    return subprocess.run(
        # As a child of the shell: to a child of this process counts how large this one is.
        ['sh', '-c', '"$@"; exit $?', 'sh',
         sys.executable, __file__, _HERE, target, *map(str, words),
         f'-max_len={TARGETS[target][2]}', f'-timeout={_TIMEOUT_S}', f'-rss_limit_mb={_RSS_MB}',
         f'-artifact_prefix={FOUND}/{target}-'],
        capture_output=True, text=True, errors='backslashreplace', check=False,
        env={**os.environ, 'MMS_FUZZ': str(command), 'PYTHONPATH': f'{REPO}{os.pathsep}{HERE}'})


def _quoted(word):
    return '"' + ''.join(f'\\x{byte:02x}' for byte in word.encode('latin-1')) + '"'


def _fuzz_here(target, *words):
    import logging

    import atheris

    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=['mms']):
        check = check_of(target)
    atheris.Setup([os.environ['MMS_FUZZ'], *words], check)
    atheris.Fuzz()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('target', nargs='?', choices=TARGETS)
    parser.add_argument('--seconds', type=int, default=10)
    parser.add_argument('--seed', type=int, default=0, help='0 for another one each time')
    parser.add_argument('--keep', action='store_true', help='merge what was found into the corpus')
    if sys.argv[1:2] == [_HERE]:
        _fuzz_here(*sys.argv[2:])
    args = parser.parse_args()
    failed = False
    for target in [args.target] if args.target else TARGETS:
        result = run(target, args.seconds, seed=args.seed, keep=args.keep)
        failure = result.pop('failure')
        failed = failed or bool(failure)
        print(target, json.dumps(result), failure, flush=True)
    sys.exit(failed)


if __name__ == '__main__':
    main()

"""Spoiled archives open, or are refused in one line; the server that is asked for them stays."""

import importlib.util
import re
import subprocess
import sys

import requests
from effort import LONG
from harness import REPO, write_archive

INPUTS = 5000 if LONG else 250
SCRIPT = REPO / 'tests' / 'reliability' / 'fuzz_archives.py'


def fuzzer(seed):
    spec = importlib.util.spec_from_file_location('fuzz_archives', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Fuzzer(seed)


def test_each_of_some_hundred_spoiled_archives_opens_or_is_refused_in_one_line():
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', SCRIPT, '--inputs', str(INPUTS), '--seed', '7'],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'{INPUTS} inputs, 0 broken promises' in done.stdout
    assert int(re.search(r'(\d+) +ArchiveError', done.stdout)[1]) > 20
    assert int(re.search(r'(\d+) +opened$', done.stdout, re.MULTILINE)[1]) > 20


def test_the_same_seed_spoils_the_same():
    one, other = fuzzer(3), fuzzer(3)
    assert [one.make()[0] for _ in range(20)] == [other.make()[0] for _ in range(20)]


def test_the_server_refuses_spoiled_archives_and_goes_on(serve, tmp_path):
    store = tmp_path / 'store'
    store.mkdir()
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}", '--management-port', '0',
                   '--management-token', 'none', '--model-store', str(store))
    line = next(line for line in server.stdout.splitlines() if 'Management at' in line)
    models = line.split()[2] + '/models'
    spoiled, seen = fuzzer(11), set()
    for number in range(30):
        (store / 'it.model').write_bytes(spoiled.make()[1])
        answer = requests.post(models, params={
            'url': 'it.model', 'model_name': f'n{number}', 'initial_workers': 0})
        seen.add(answer.status_code)
        assert answer.status_code in (200, 400), answer.text
        assert answer.status_code == 200 or '\n' not in answer.json()['message']
        if answer.status_code == 200:
            assert requests.delete(f'{models}/n{number}').status_code == 200
    assert seen == {200, 400}
    assert server.post_text('m', '[1]').status_code == 200
    assert 'Traceback' not in server.log

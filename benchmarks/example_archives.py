"""The archives of the repository, and what each is asked.

Every folder of ``examples/`` with a ``build_archive.py`` or a ``train.py`` has some: both
take ``--output DIR``. The first writes archives there, the second the files of one, which
are packed here. What an example is asked are the curl lines of its README, and pictures if
it takes any.
"""

from __future__ import annotations

import json
import random
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from processes import REPO, BenchmarkError, plain_environment

EXAMPLES = REPO / 'examples'
MMS04 = REPO / 'tests' / 'fixtures' / 'mms04'
PICTURES = [EXAMPLES / 'kitten.jpg', *sorted((MMS04 / 'img').glob('*.jpg'))]
# The same network in another form, which is served in another way.
MORE_BUILDS = {'efficientnet_lite0': [['--format', 'symbolic']]}
CURL = re.compile(r'^curl (?:.*\\\n)*.*', re.MULTILINE)
MADE_UP_REQUESTS = 5

# Name of a field -> a picture, or a text.
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """An archive, and the form fields of each request for it."""

    archive: Path
    requests: Sequence[Fields]


def fixtures() -> list[Asked]:
    """Return what MMS 0.4 wrote, with the requests that were recorded."""
    requests: dict[str, list[Fields]] = {}
    for case in json.loads((MMS04 / 'expected.json').read_text('utf-8'))['cases']:
        fields = dict(case.get('form', ()))
        for part in case.get('parts', ()):
            fields[part['name']] = MMS04 / part['file'] if 'file' in part else part['text']
        requests.setdefault(case['archive'], []).append(fields)
    return [Asked(MMS04 / name, asked) for name, asked in requests.items()]


def example_names() -> list[str]:
    """Return the examples that can be built, `gluon_alexnet` with seeded weights."""
    scripted = [path.name for path in EXAMPLES.iterdir() if script_of(path) is not None]
    return sorted({*scripted, 'gluon_alexnet'})


def example(name: str, output: Path) -> list[Asked]:
    """Build the archives of an example into `output`, which is made.

    Raises
    ------
    BenchmarkError
        A script failed, or nobody knows what to ask.
    """
    output.mkdir()
    script = script_of(EXAMPLES / name)
    if script is None:
        run('-c', 'import pathlib, sys; from alexnet import build_archive; '
                  'build_archive(pathlib.Path(sys.argv[1]))', output, folder=REPO / 'benchmarks')
    elif script.name == 'train.py':
        pack(name, train(script, output), output)
    else:
        for words in [[], *MORE_BUILDS.get(name, [])]:
            run(script, '--output', output, *words)
    return [Asked(archive, requests_for(archive, EXAMPLES / name / 'README.md'))
            for archive in sorted(output.glob('*.model'))]


def script_of(folder: Path) -> Optional[Path]:
    """Return what builds an example; None where nothing does."""
    scripts = [folder / 'build_archive.py', folder / 'train.py']
    return next((script for script in scripts if script.is_file()), None)


def train(script: Path, output: Path) -> Path:
    """Train an example; return the folder with the files of its archive."""
    run(script, '--output', output / 'trained')
    signatures = sorted((output / 'trained').rglob('signature.json'))
    if not signatures:
        raise BenchmarkError(f'{script} has written no signature.json')
    return signatures[0].parent


def pack(name: str, model: Path, output: Path) -> None:
    """Pack a trained example with its service file, if it has one."""
    services = [*model.glob('*_service.py'), *(EXAMPLES / name).glob('*_service.py')]
    kind = 'symbolic' if list(model.glob('*-symbol.json')) else 'imperative'
    run('-m', 'mms.export_model', '--model-name', name, '--model-path', model, '--model-type', kind,
        *(['--service-file-path', services[0]] if services else []), folder=output)


def run(*words: Any, folder: Optional[Path] = None) -> None:
    """Run Python in a process of its own.

    Raises
    ------
    BenchmarkError
        It failed; with what it printed.
    """
    done = subprocess.run([sys.executable, *map(str, words)], cwd=folder, text=True, check=False,
                          env=plain_environment(PYTHONPATH=str(REPO)), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        raise BenchmarkError(f'{words[0]} failed:\n{done.stdout.strip()}')


def requests_for(archive: Path, readme: Path) -> list[Fields]:
    """Return what the README asks, and what the signature allows to make up."""
    with zipfile.ZipFile(archive) as opened:
        signature = json.loads(opened.read('signature.json'))
    names = [entry['data_name'] for entry in signature['inputs']]
    documented = [fields for fields in documented_requests(readme) if set(fields) >= set(names)]
    if signature['input_type'] == 'image/jpeg':
        return [*documented, *(dict.fromkeys(names, picture) for picture in PICTURES)]
    return documented or [
        {entry['data_name']: json.dumps(numbers(random.Random(seed), entry['data_shape']))
         for entry in signature['inputs']} for seed in range(MADE_UP_REQUESTS)]


def documented_requests(readme: Path) -> Iterator[Fields]:
    """Yield the form fields of each curl line; those with pictures that are not there go."""
    text = readme.read_text('utf-8') if readme.is_file() else ''
    for command in CURL.findall(text):
        words = shlex.split(command.replace('\\\n', ' '))
        fields = {}
        for option, word in zip(words, words[1:]):
            if option in ('-F', '--form', '-d', '--data', '--data-urlencode'):
                name, _, value = word.partition('=')
                fields[name] = REPO / value[1:].partition(';')[0] if value[:1] == '@' else value
        if all(value.is_file() for value in fields.values() if isinstance(value, Path)):
            yield fields


def numbers(source: random.Random, shape: Sequence[int]) -> Any:
    """Return nested lists of numbers from 0 to 1; a length of 0 becomes 1."""
    if not shape:
        return source.random()
    return [numbers(source, shape[1:]) for _ in range(shape[0] or 1)]

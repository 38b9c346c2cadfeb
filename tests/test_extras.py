"""The tests where only the package, pytest and pytest-timeout are installed."""

import subprocess
import sys

from harness import REPO


def pytest_without_extras(*words):
    return subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'without_extras', '-p', 'no:cacheprovider',
         *words], cwd=REPO, capture_output=True, text=True, timeout=200)


def test_every_file_is_collected_or_skipped():
    done = pytest_without_extras('--collect-only')
    assert done.returncode == 0, done.stdout[-3000:]


def test_what_is_skipped_names_the_extra_that_it_needs():
    done = pytest_without_extras('-rs', 'tests/client/test_openapi3.py',
                                 'tests/archive/sources/test_s3_source.py',
                                 'tests/model_service/test_typed_hooks.py')
    assert 'passed' not in done.stdout
    for package, extra in (('openapi_spec_validator', 'test'), ('boto3', 's3'), ('mypy', 'test')):
        line = f"needs {package}: pip install 'mxnet-model-server[{extra}]'"
        assert line in done.stdout, done.stdout

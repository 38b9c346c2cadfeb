"""The tests where only the package, pytest and pytest-timeout are installed."""

import re
import subprocess
import sys

import pytest
from harness import REPO


def pytest_without_extras(*words):
    return subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'without_extras', '-p', 'no:cacheprovider',
         *words], cwd=REPO, capture_output=True, text=True, timeout=200)


def test_every_file_is_collected_or_skipped():
    done = pytest_without_extras('--collect-only')
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(('file', 'said'), [
    ('client/test_openapi3.py', "needs openapi_spec_validator: pip install '.*\\[test]'"),
    ('archive/sources/test_s3_source.py', "needs boto3: pip install 'mxnet-model-server\\[s3]'"),
    ('model_service/test_typed_hooks.py', "needs mypy: pip install 'mxnet-model-server\\[test]'"),
])
def test_what_is_skipped_names_the_extra_that_it_needs(file, said):
    done = pytest_without_extras('-rs', f'tests/{file}')
    assert 'passed' not in done.stdout
    assert re.search(said, done.stdout), done.stdout

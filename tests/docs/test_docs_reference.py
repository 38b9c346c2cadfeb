"""Endpoints, metrics and errors: none goes undocumented."""

import importlib
import pkgutil
import re

import pytest
from doc_messages import raised, says
from doc_pages import code_spans, read, row_of, rows, section
from extras import onnx  # noqa: F401  of a part of the package
from front import Healthy
from harness import FIXTURES

import mms
from mms import errors
from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.archive.signature import read_signature
from mms.bootstrap.parts import Parts
from mms.config.settings import Settings
from mms.frontend import errors as http_errors
from mms.frontend.api.swagger import describe
from mms.frontend.chain import Middleware
from mms.frontend.management.application import management_application
from mms.frontend.management.models_api import Server
from mms.frontend.openapi.operation import PartOf
from mms.metrics import METRICS, Metrics, make_sink

# Page -> the errors whose every message it lists: (names called, argument, file or folder).
LISTED = {
    'docs/export.md': [({'ExportError'}, 0, 'mms/exporter/packing.py'),
                       ({'ExportError'}, 0, 'mms/exporter/start_folder.py'),
                       ({'ExportError'}, 0, 'mms/archive'),
                       ({'error'}, 0, 'mms/archive/params_file.py')],
    'docs/notebook.md': [({'ExportError'}, 0, f'mms/exporter/{place}') for place in (
        'networks', 'network_export.py', 'request_form.py')],
    'docs/onnx.md': [({'ExportError'}, 0, 'mms/exporter/conversion.py'),
                     ({'ExportError'}, 0, 'mms/from_onnx')],
    'docs/archive_format.md': [
        ({'ArchiveError', 'ManifestError', 'SignatureError'}, 0, 'mms'),
        ({'error'}, 0, 'mms/archive/json_file.py'),
        ({'error'}, 0, 'mms/archive/limits.py'),
        ({'error'}, 0, 'mms/archive/params_file.py'),
    ],
    'docs/signed_archives.md': [({'UntrustedError', 'KeyFileError'}, 0, 'mms')],
    'docs/rest_api.md': [
        ({'BadRequest', 'InputShapeError', 'PayloadTooLarge', 'WorkerDied'}, 0, 'mms'),
        ({'QueueFull', 'DeadlineExceeded', 'ClientLeft', 'ModelUnavailable'}, 0, 'mms'),
        ({'incorrect'}, 1, 'mms/worker'),
        ({'Unreadable'}, 0, 'mms/worker/codecs/list_text.py'),
        ({'BuffersFull'}, 0, 'mms/runtime/byte_budget.py'),
    ],
}
LISTED['docs/management.md'] = [
    ({'WrongParameter', 'Unauthorized', 'Forbidden', 'NotRegistered', 'AlreadyRegistered',
      'NotStarted', 'NotNow', 'kind'}, 0, 'mms/frontend/management')]
LISTED['docs/inference_protocol.md'] = [
    ({'wrong'}, 0, 'mms/worker/codecs/inference_v2'),
    ({'WrongBody', 'UnsupportedEncoding', 'NotHere'}, 0, 'mms/frontend')]
# The tables of those pages begin here; what follows names a message in each row.
TABLES = {'docs/export.md': '## Messages', 'docs/onnx.md': '## Messages',
          'docs/notebook.md': '## Messages',
          'docs/archive_format.md': '## What is refused',
          'docs/signed_archives.md': '## Messages',
          'docs/rest_api.md': '### Messages of 400', 'docs/management.md': '## Messages',
          'docs/inference_protocol.md': '## Messages'}
# Around the reasons that a picture or a list is refused for.
FRAME = ('Input data for request argument:', 'is not correct.')
# Made in another way than by a call with the message written out.
BUILT = {
    'The management port asks for a token: Authorization: Bearer TOKEN (--management-token).',
    'CLASS cannot be made a symbol: REASON. Let it derive from HybridBlock, with '
    'hybrid_forward(self, F, x) and F in place of mx.nd, or give service= a file whose class makes '
    'the network',
    'signature.json is not found in DIR.', 'mms.errors.BadRequest',
    'FILE is not valid JSON: REASON (line N, column N)',
    'FILE is not a model archive: it is not a zip file',
    'FILE is a broken or truncated archive (REASON): export or download it again',
}


class OneModel:
    """A model that is there to be described, not asked."""

    names = ('NAME',)
    revision = 0

    def __init__(self, folder):
        opened = open_model('NAME', Location.parse(str(FIXTURES / 'b2_json.model')), str(folder))
        self._signature = read_signature(f'{opened.model_dir}/signature.json')

    def __contains__(self, name):
        return name in self.names

    def signature(self, name):
        return self._signature

    def ill_health(self):
        return {}


@pytest.fixture
def model(tmp_path):
    return OneModel(tmp_path)


def test_every_endpoint_has_a_row_with_its_methods(model):
    metrics = Metrics(model.names, make_sink('log'))
    table = Parts('app', Settings(), None).application(
        model, metrics, 8080, monitor=Healthy()).table
    text = read('docs/rest_api.md') + read('docs/inference_protocol.md')
    assert len(table.routes) >= 5
    for route in table.routes:
        if isinstance(route.told, PartOf):
            continue
        path = re.sub('<(?:model|name)>', 'NAME', route.path).replace('<version>', 'V')
        _, _, allowed = table.find(path, route.methods[0])
        assert set(row_of(text, path)[1].split(', ')) == set(allowed), path


def test_every_endpoint_of_the_management_port_has_a_row():
    table = management_application(Server(OneModel, *[None] * 6), None, Middleware()).table
    routes = {(route.path.replace('<model_name>', 'NAME').rstrip('/') or '/', method)
              for route in table.routes if not isinstance(route.told, PartOf)
              for method in route.methods}
    told = {(code_spans(cells[0])[0], method) for cells in rows(section(
        read('docs/management.md'), 'Endpoints')) if code_spans(cells[0])
        for method in cells[1].split(', ')}
    assert told == routes


def test_every_path_of_the_description_has_a_row(model):
    described = describe({'NAME': model.signature('NAME')}, '127.0.0.1', 8080)['paths']
    for path in described:
        assert row_of(read('docs/rest_api.md'), path)


@pytest.mark.parametrize('metric', METRICS, ids=lambda metric: metric.name)
def test_a_metric_has_a_row_with_its_unit_and_owner(metric):
    cells = row_of(read('docs/metrics.md'), metric.name)
    assert cells[1] == metric.unit
    assert cells[2] == ('each model' if metric.per_model else 'host')
    assert ('average' in cells[3]) is not metric.is_sum


def test_no_metric_is_documented_that_is_not_there():
    page = section(read('docs/metrics.md'), 'Metrics of MMS 0.4')
    documented = {code_spans(cells[0])[0] for cells in rows(page) if code_spans(cells[0])}
    assert documented == {metric.name for metric in METRICS}


def every_subclass(cls):
    return {cls}.union(*map(every_subclass, cls.__subclasses__()))


def error_classes(base):
    """Public subclasses, wherever in the package they are defined."""
    for module in pkgutil.walk_packages(mms.__path__, 'mms.'):
        if not module.name.endswith('__main__'):
            importlib.import_module(module.name)
    return sorted(every_subclass(base) - {base, errors.MMSError}, key=lambda cls: cls.__name__)


@pytest.mark.parametrize('cls', error_classes(errors.RequestError), ids=lambda cls: cls.__name__)
def test_a_request_error_has_its_status_and_type_on_the_page(cls):
    is_management = cls.__module__.startswith('mms.frontend.management')
    page = 'docs/management.md' if is_management else 'docs/rest_api.md'
    pairs = [(cells[0], code_spans(cells[1])) for cells in rows(read(page))]
    assert (str(cls.status), [cls.type]) in pairs
    if cls.__module__ == 'mms.errors':
        cells = row_of(read('docs/embedding.md'), cls.__name__)
        assert cells[1:] == [str(cls.status), f'`{cls.type}`']


@pytest.mark.parametrize('code', sorted(http_errors._TYPES))
def test_an_http_error_has_its_type_on_the_page(code):
    assert (str(code), f'`{http_errors._TYPES[code]}`') in [
        tuple(cells[:2]) for cells in rows(read('docs/rest_api.md'))]


@pytest.mark.parametrize('cls', error_classes(errors.StartupError), ids=lambda cls: cls.__name__)
def test_a_startup_error_or_its_base_has_a_row(cls):
    named = next(base.__name__ for base in cls.__mro__ if base.__module__ == 'mms.errors')
    cells = row_of(read('docs/embedding.md'), named)
    parent = getattr(errors, named).__mro__[1].__name__
    assert parent == 'StartupError' or parent in cells[0]


def listed(page):
    """The code spans of every table."""
    return {span for cells in rows(read(page)) for cell in cells for span in code_spans(cell)}


@pytest.mark.parametrize('page', LISTED)
def test_each_message_is_on_its_page(page):
    told = listed(page)
    assert [(place, pieces) for call in LISTED[page] for pieces, place in raised(*call).items()
            if not any(says(message, pieces) for message in told)] == []


@pytest.mark.parametrize('page', LISTED)
def test_a_page_lists_no_message_that_is_not_raised(page):
    known = {pieces for call in LISTED[page] for pieces in raised(*call)} - {FRAME}
    _, _, tables = read(page).partition(TABLES[page])
    messages = {span for cells in rows(tables) for span in code_spans(cells[0])[:1]} - BUILT
    assert messages
    assert [message for message in messages
            if not any(says(message, pieces) for pieces in known)] == []

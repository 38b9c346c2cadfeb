import json
import re

import pytest

from mms import mxnet_compat
from mms.archive.manifest import (
    installed_mxnet_version,
    make_manifest,
    mxnet_version_of,
    read_manifest,
    validate_manifest,
)
from mms.errors import ExportError, ManifestError

NEW_ARCHIVE = {'model_name': 'alex', 'model_format': 'Gluon-Imperative', 'service': 's.py',
               'signature': 'signature.json'}


def refusal(manifest):
    with pytest.raises(ManifestError) as caught:
        validate_manifest(manifest, 'tiny.model')
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_a_manifest_of_0_4_is_read(make_folder, files, manifest):
    assert read_manifest(make_folder(files)) == manifest


def test_a_byte_order_mark_is_tolerated(make_folder, files, manifest):
    files['MANIFEST.json'] = b'\xef\xbb\xbf' + files['MANIFEST.json'].encode()
    assert read_manifest(make_folder(files)) == manifest


def test_non_ascii_text_is_read_as_utf_8(make_folder, files, manifest):
    manifest['Model']['Description'] = 'Grüße'
    files['MANIFEST.json'] = json.dumps(manifest, ensure_ascii=False)
    assert read_manifest(make_folder(files))['Model']['Description'] == 'Grüße'


def test_a_manifest_of_0_1_with_its_licence_and_number_of_engine_is_valid(manifest):
    manifest.update({'License': 'Apache 2.0', 'Model-Archive-Version': 0.1, 'Model-Server': 0.1,
                     'Engine': {'MXNet': 0.12}})
    assert validate_manifest(manifest, 'old.model') == manifest


def test_created_by_is_allowed(manifest):
    manifest['Created-By'] = {'Author': 'me', 'Author-Email': 'me@example.com'}
    assert validate_manifest(manifest, 'tiny.model') == manifest


def test_unknown_fields_are_allowed(manifest):
    manifest['Extra'] = manifest['Model']['Extra'] = [1]
    assert validate_manifest(manifest, 'tiny.model') == manifest


@pytest.mark.parametrize('field', ['Model-Archive-Version', 'Model-Server', 'Engine', 'Model'])
def test_a_missing_field_is_named(manifest, field):
    del manifest[field]
    assert refusal(manifest) == f'tiny.model: MANIFEST.json: {field} is missing'


@pytest.mark.parametrize('field', ['Signature', 'Model-Format', 'Model-Name', 'Service'])
def test_a_missing_field_of_the_model_is_named(manifest, field):
    del manifest['Model'][field]
    assert refusal(manifest) == f'tiny.model: MANIFEST.json: Model.{field} is missing'


@pytest.mark.parametrize(('field', 'value', 'kind'), [
    ('Model-Archive-Version', '0.2', 'a number, not a string'),
    ('Model-Server', True, 'a number, not a boolean'),
    ('Engine', 'MXNet', 'an object, not a string'),
    ('Model', [], 'an object, not a list'),
    ('Created-By', None, 'an object, not null'),
])
def test_a_field_of_another_type_is_named(manifest, field, value, kind):
    manifest[field] = value
    assert refusal(manifest) == f'tiny.model: MANIFEST.json: {field} must be {kind}'


def test_a_model_field_of_another_type_is_named(manifest):
    manifest['Model']['Parameters'] = None
    assert 'Model.Parameters must be a string, not null' in refusal(manifest)


def test_a_manifest_that_is_no_object_is_refused():
    assert 'must be an object, not a list' in refusal([])


@pytest.mark.parametrize(('contents', 'reason'), [
    (b'{"Model": ', r'not valid JSON: .*line 1, column 11'),
    (b'\xff\xfe{}', 'not UTF-8 text'),
    (b'', 'not valid JSON'),
    (b'[' * 100_000, 'too deep'),
])
def test_a_file_that_is_not_json_is_refused(make_folder, files, contents, reason):
    files['MANIFEST.json'] = contents
    folder = make_folder(files)
    with pytest.raises(ManifestError, match=f'^{re.escape(folder)}: MANIFEST.json .*{reason}'):
        read_manifest(folder)


def test_a_folder_without_manifest_is_refused_with_the_mend(make_folder, files):
    del files['MANIFEST.json']
    with pytest.raises(ManifestError, match=r'holds no MANIFEST\.json.*mxnet-model-export'):
        read_manifest(make_folder(files))


@pytest.mark.parametrize(('field', 'name'), [
    ('Signature', 'signature.json'), ('Service', 'service.py'), ('Symbol', 'tiny-symbol.json'),
    ('Parameters', 'tiny-0000.params'),
])
def test_a_missing_member_is_named(make_folder, files, field, name):
    del files[name]
    with pytest.raises(ManifestError, match=f"'{name}', which .* Model.{field}, is missing"):
        read_manifest(make_folder(files))


def test_a_symbolic_model_needs_a_symbol(make_folder, files, manifest):
    manifest['Model']['Symbol'] = ''
    files['MANIFEST.json'] = json.dumps(manifest)
    with pytest.raises(ManifestError, match=r'Model\.Symbol is empty'):
        read_manifest(make_folder(files))


def test_a_gluon_model_needs_neither_symbol_nor_parameters(make_folder, files, manifest):
    manifest['Model'].update({'Symbol': '', 'Parameters': '', 'Model-Format': 'Gluon-Imperative'})
    files['MANIFEST.json'] = json.dumps(manifest)
    assert read_manifest(make_folder(files)) == manifest


@pytest.mark.parametrize('name', ['../secret.py', '/etc/passwd', 'a/../../secret.py'])
def test_a_member_outside_the_archive_is_refused(make_folder, files, manifest, name):
    manifest['Model']['Service'] = name
    files['MANIFEST.json'] = json.dumps(manifest)
    with pytest.raises(ManifestError, match='must be a file of the archive'):
        read_manifest(make_folder(files))


def test_a_new_manifest_keeps_to_the_schema():
    manifest = make_manifest(**NEW_ARCHIVE, mxnet_version='1.9.1')
    assert validate_manifest(manifest, 'new') == manifest
    assert manifest['Model-Server'] == 0.5
    assert manifest['Engine'] == {'MXNet': '1.9.1'}


def test_without_a_known_mxnet_the_engine_is_empty_and_still_valid():
    manifest = make_manifest(**NEW_ARCHIVE)
    assert validate_manifest(manifest, 'new')['Engine'] == {}


@pytest.mark.parametrize(('attrs', 'version'), [
    ({'mxnet_version': ['int', 10201]}, '1.2.1'),
    ({'mxnet_version': ['int', 10901]}, '1.9.1'),
    ({'mxnet_version': 905}, '0.9.5'),
])
def test_the_symbol_file_says_which_mxnet_wrote_it(tmp_path, attrs, version):
    symbol = tmp_path / 'x-symbol.json'
    symbol.write_text(json.dumps({'nodes': [], 'attrs': attrs}))
    assert mxnet_version_of(str(symbol)) == version


@pytest.mark.parametrize('text', ['{}', '[]', '{"attrs": {}}', '{"attrs": {"mxnet_version": "x"}}'])
def test_a_symbol_file_that_does_not_say_gives_the_installed_version(tmp_path, text):
    symbol = tmp_path / 'x-symbol.json'
    symbol.write_text(text)
    assert mxnet_version_of(str(symbol)) == installed_mxnet_version()


def test_the_installed_version_is_that_of_the_wheel():
    mxnet_compat.prepare()
    assert installed_mxnet_version() == pytest.importorskip('mxnet').__version__


def test_a_symbol_file_that_is_not_json_is_named(tmp_path):
    symbol = tmp_path / 'x-symbol.json'
    symbol.write_text('{')
    with pytest.raises(ExportError, match=r'x-symbol\.json is not valid JSON'):
        mxnet_version_of(str(symbol))

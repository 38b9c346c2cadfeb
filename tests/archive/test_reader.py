import json
import os
import shutil
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mms.archive import extraction
from mms.archive.extraction import extract
from mms.archive.location import Location
from mms.archive.reader import LoadedModel, open_model
from mms.errors import ArchiveError, FetchError, ManifestError, SignatureError

pytestmark = pytest.mark.core

FIXTURES = sorted((Path(__file__).parents[1] / 'fixtures' / 'mms04').glob('*.model'))


def opened(text, workspace, endpoint='net'):
    return open_model(endpoint, Location.parse(text), workspace)


def refusal(archive, workspace, kind=ArchiveError):
    """The one-line message; the archive is named and nothing is left in the workspace."""
    with pytest.raises(kind) as caught:
        opened(archive, workspace)
    message = str(caught.value)
    assert os.path.basename(archive) in message
    assert '\n' not in message
    assert workspace not in message
    assert os.listdir(workspace) == []
    return message


def member(name, mode=0, **attributes):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize('archive', FIXTURES, ids=lambda path: path.stem)
def test_an_archive_of_0_4_opens(archive, workspace):
    model = opened(str(archive), workspace, 'my-net')
    assert isinstance(model, LoadedModel)
    assert model.service_name == 'my-net'
    assert model.model_name == archive.stem
    assert model.manifest['Model']['Model-Name'] == archive.stem
    with zipfile.ZipFile(archive) as zipped:
        assert {name: zipped.read(name) for name in zipped.namelist()} == {
            path.name: path.read_bytes() for path in Path(model.model_dir).iterdir()}


def test_there_are_archives_of_0_4_to_open():
    assert len(FIXTURES) == 5


def test_extraction_goes_into_the_workspace_and_not_beside_the_archive(
        make_zip, files, workspace, tmp_path):
    archive = make_zip(files)
    before = sorted(os.listdir(tmp_path))
    model = opened(archive, workspace)
    assert os.path.commonpath([model.model_dir, workspace]) == workspace
    assert sorted(os.listdir(tmp_path)) == before


def test_one_archive_opened_twice_has_two_folders(make_zip, files, workspace):
    archive = make_zip(files)
    first, second = (opened(archive, workspace) for _ in range(2))
    assert first.model_dir != second.model_dir


def test_a_replaced_archive_is_read_anew(make_zip, files, workspace):
    opened(make_zip(files), workspace)
    files['service.py'] = 'new = 1\n'
    model = opened(make_zip(files), workspace)
    assert Path(model.model_dir, 'service.py').read_text() == 'new = 1\n'


@pytest.mark.parametrize('endpoint', ['../../evil', 'a/b', '..', 'x' * 400, 'naïve', ''])
def test_a_strange_endpoint_stays_inside_the_workspace(make_zip, files, workspace, endpoint):
    model = opened(make_zip(files), workspace, endpoint)
    assert os.path.realpath(model.model_dir).startswith(workspace + os.sep)
    assert model.service_name == endpoint


def test_members_in_sub_folders_are_flattened(make_zip, files, workspace):
    model = opened(make_zip({f'some/deep/{k}': v for k, v in files.items()}), workspace)
    assert sorted(os.listdir(model.model_dir)) == sorted(files)


def test_folder_entries_are_passed_over(make_zip, files, workspace):
    model = opened(make_zip({'sub/': '', 'win\\': '', **files}), workspace)
    assert sorted(os.listdir(model.model_dir)) == sorted(files)


@pytest.mark.parametrize('name', [
    '../extra.txt', '/etc/extra.txt', '..\\..\\extra.txt', 'C:\\extra.txt', 'C:extra.txt',
    '\\\\host\\share\\extra.txt', 'a/../../extra.txt',
])
def test_a_path_trick_is_flattened_to_its_base_name(make_zip, files, workspace, tmp_path, name):
    archive = make_zip({**files, name: 'harmless'})
    outside = sorted(os.listdir(tmp_path))
    model = opened(archive, workspace)
    assert sorted(os.listdir(model.model_dir)) == sorted([*files, 'extra.txt'])
    assert sorted(os.listdir(tmp_path)) == outside


@pytest.mark.parametrize('name', ['..', 'a/..', '.', 'a\\..'])
def test_a_member_without_a_usable_name_is_refused(make_zip, files, workspace, name):
    assert 'no usable name' in refusal(make_zip({**files, name: 'x'}), workspace)


@pytest.mark.parametrize('other', ['sub/service.py', '..\\service.py', 'C:service.py'])
def test_two_members_that_flatten_to_one_name_are_refused(make_zip, files, workspace, other):
    message = refusal(make_zip({**files, other: files['service.py']}), workspace)
    assert "two members have the name 'service.py'" in message
    assert repr(other) in message


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_two_members_of_one_name_are_refused(make_zip, files, workspace):
    archive = make_zip(files, change=lambda zipped: zipped.writestr('service.py', 'other'))
    assert "two members have the name 'service.py'" in refusal(archive, workspace)


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_a_manifest_that_0_4_wrote_twice_is_read(make_zip, files, workspace):
    archive = make_zip(
        files, change=lambda zipped: zipped.writestr('MANIFEST.json', files['MANIFEST.json']))
    assert opened(archive, workspace).model_name == 'tiny'


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_two_manifests_that_differ_are_refused(make_zip, files, workspace):
    archive = make_zip(files, change=lambda zipped: zipped.writestr('MANIFEST.json', '{}'))
    assert "two members have the name 'MANIFEST.json'" in refusal(archive, workspace)


@pytest.mark.parametrize('mode', [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o644, stat.S_IFCHR])
def test_a_link_or_special_file_is_refused(make_zip, files, workspace, mode):
    archive = make_zip(
        files, change=lambda zipped: zipped.writestr(member('synset.txt', mode), '/etc/passwd'))
    assert "member 'synset.txt' is a link or a special file" in refusal(archive, workspace)


def test_an_encrypted_member_is_refused(make_zip, files, workspace):
    def encrypt(zipped):
        zipped.getinfo('service.py').flag_bits |= 1

    message = refusal(make_zip(files, change=encrypt), workspace)
    assert "member 'service.py' is encrypted" in message


def test_a_member_that_claims_to_be_huge_is_refused(make_zip, files, workspace):
    def inflate(zipped):
        zipped.getinfo('tiny-0000.params').file_size = 3 * 1024**3

    assert 'zip bomb' in refusal(make_zip(files, change=inflate), workspace)


def test_a_deflated_bomb_is_refused(make_zip, files, workspace, monkeypatch):
    monkeypatch.setattr(extraction, 'ALWAYS_ALLOWED_BYTES', 1024**2)
    files['zeros.bin'] = bytes(4 * 1024**2)
    archive = make_zip(files, compression=zipfile.ZIP_DEFLATED)
    assert 'zip bomb' in refusal(archive, workspace)


def test_a_small_archive_that_packs_well_is_no_bomb(make_zip, files, workspace):
    files['zeros.bin'] = bytes(4 * 1024**2)
    archive = make_zip(files, compression=zipfile.ZIP_DEFLATED)
    assert opened(archive, workspace).model_name == 'tiny'


def test_a_stored_archive_is_no_bomb_whatever_its_size(make_zip, files, workspace, monkeypatch):
    monkeypatch.setattr(extraction, 'ALWAYS_ALLOWED_BYTES', 0)
    files['zeros.bin'] = bytes(4 * 1024**2)
    assert opened(make_zip(files), workspace).model_name == 'tiny'


def test_members_that_share_their_bytes_are_refused(make_zip, files, workspace):
    def overlap(zipped):
        for index in range(40):
            twin = member(f'twin{index}')
            original = zipped.getinfo('tiny-0000.params')
            for field in ('header_offset', 'compress_size', 'file_size', 'CRC'):
                setattr(twin, field, getattr(original, field))
            zipped.filelist.append(twin)

    message = refusal(make_zip(files, change=overlap), workspace)
    assert 'zip bomb' in message or 'broken' in message


def test_too_many_members_are_refused(make_zip, files, workspace, monkeypatch):
    monkeypatch.setattr(extraction, 'MAX_MEMBERS', 5)
    files['one-more.txt'] = ''
    assert 'has 6 members; 5 are allowed' in refusal(make_zip(files), workspace)


def test_an_archive_larger_than_the_disk_is_refused(make_zip, files, workspace, monkeypatch):
    def claim(zipped):
        for index in range(5):
            zipped.writestr(f'{index}.bin', b'')
            zipped.getinfo(f'{index}.bin').file_size = 2**32 - 2

    free = shutil.disk_usage(workspace)._replace(free=2**32)
    monkeypatch.setattr(extraction, 'ALWAYS_ALLOWED_BYTES', 2**40)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: free)
    with pytest.raises(ArchiveError, match=r'needs 21\.47 GB .* 4\.29 GB free: set TMPDIR'):
        opened(make_zip(files, change=claim), workspace)
    assert os.listdir(workspace) == []


@pytest.mark.parametrize('keep', [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(make_zip, files, workspace, keep):
    archive = Path(make_zip(files))
    archive.write_bytes(archive.read_bytes()[:int(archive.stat().st_size * keep)])
    assert 'broken or truncated' in refusal(str(archive), workspace)


@pytest.mark.parametrize('compression', [
    zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_corrupt_member_is_refused(make_zip, files, workspace, compression):
    files['tiny-0000.params'] = os.urandom(5000)
    archive = Path(make_zip(files, compression=compression))
    contents = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as zipped:
        where = zipped.getinfo('tiny-0000.params').header_offset + 1000
    contents[where:where + 50] = bytes(50)
    archive.write_bytes(contents)
    assert 'broken or truncated' in refusal(str(archive), workspace)


@pytest.mark.parametrize('compression', [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_compressed_archives_open(make_zip, files, workspace, compression):
    assert opened(make_zip(files, compression=compression), workspace).model_dir


def test_an_unknown_compression_is_refused(make_zip, files, workspace):
    def obscure(zipped):
        zipped.getinfo('service.py').compress_type = 97

    assert 'compression' in refusal(make_zip(files, change=obscure), workspace)


def test_a_file_that_is_no_zip_is_refused(tmp_path, workspace):
    archive = tmp_path / 'page.model'
    archive.write_text('<html>404</html>')
    assert refusal(str(archive), workspace).endswith('it is not a zip file')


def test_an_empty_file_is_refused(tmp_path, workspace):
    archive = tmp_path / 'empty.model'
    archive.touch()
    assert 'is empty' in refusal(str(archive), workspace)


def test_an_archive_without_members_is_refused(make_zip, workspace):
    assert 'holds no MANIFEST.json' in refusal(make_zip({}), workspace, ManifestError)


def test_a_missing_file_is_refused(tmp_path, workspace):
    message = refusal(str(tmp_path / 'none.model'), workspace)
    assert message.endswith('none.model: no such file or folder')


def test_a_fifo_is_refused_without_waiting(tmp_path, workspace):
    os.mkfifo(tmp_path / 'pipe.model')
    message = refusal(str(tmp_path / 'pipe.model'), workspace)
    assert 'neither a file nor a folder' in message


@pytest.mark.parametrize('name', ['net.onnx', 'NET.ONNX', 'net.pb2'])
def test_an_onnx_file_is_refused_with_the_mend(tmp_path, workspace, name):
    (tmp_path / name).write_bytes(b'onnx')
    message = refusal(str(tmp_path / name), workspace)
    assert 'make an archive of it with mxnet-model-export' in message


def test_an_onnx_url_is_refused_before_it_is_fetched(workspace):
    with pytest.raises(ArchiveError, match=r'^http://127\.0\.0\.1:1/net\.onnx is an ONNX model'):
        opened('http://user:hunter2@127.0.0.1:1/net.onnx?v=1', workspace)


@pytest.mark.parametrize('name', ['signature.json', 'service.py', 'tiny-0000.params'])
def test_an_archive_that_lacks_a_member_is_refused(make_zip, files, workspace, name):
    del files[name]
    assert f"'{name}'" in refusal(make_zip(files), workspace, ManifestError)


def test_an_archive_with_a_broken_signature_is_refused(make_zip, files, workspace):
    files['signature.json'] = '{"inputs": []}'
    message = refusal(make_zip(files), workspace, SignatureError)
    assert 'tiny.model: signature.json: input_type and output_type are required' in message


def test_an_unknown_scheme_leaves_nothing(workspace):
    with pytest.raises(FetchError):
        opened('gopher://h/x.model', workspace)
    assert os.listdir(workspace) == []


def test_a_folder_is_served_in_place_and_never_written_to(make_folder, files, workspace):
    folder = make_folder(files)
    before = {path: path.stat().st_mtime_ns for path in [Path(folder), *Path(folder).iterdir()]}
    assert opened(folder, workspace).model_dir == folder
    assert opened(f'file://{folder}', workspace).model_dir == folder
    assert before == {
        path: path.stat().st_mtime_ns for path in [Path(folder), *Path(folder).iterdir()]}
    assert os.listdir(workspace) == []


def test_a_folder_without_manifest_is_refused(make_folder, files, workspace):
    del files['MANIFEST.json']
    assert 'holds no MANIFEST.json' in refusal(make_folder(files), workspace, ManifestError)


def test_a_folder_in_the_current_directory_has_an_absolute_model_dir(
        make_folder, files, workspace, tmp_path, monkeypatch):
    folder = make_folder(files, 'local')
    monkeypatch.chdir(tmp_path)
    assert opened('local', workspace).model_dir == folder


def test_the_archive_may_have_any_name(make_zip, files, workspace):
    assert opened(make_zip(files, name='my archive'), workspace).model_name == 'tiny'


def test_many_threads_open_archives_at_once(make_zip, files, workspace):
    archives = []
    for index in range(4):
        files['service.py'] = f'index = {index}\n'
        archives.append(make_zip(files, name=f'{index}.model'))
    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(lambda path: opened(path, workspace), archives * 4))
    assert len({model.model_dir for model in models}) == 16
    for number, model in enumerate(models):
        text = Path(model.model_dir, 'service.py').read_text()
        assert text == f'index = {number % 4}\n'


def test_a_failed_extract_removes_its_folder(make_zip, files, tmp_path):
    into = tmp_path / 'into'
    with pytest.raises(ArchiveError):
        extract(make_zip({**files, 'sub/service.py': ''}), str(into))
    assert not into.exists()


def test_extract_keeps_a_folder_that_was_there(make_zip, files, tmp_path):
    into = tmp_path / 'into'
    into.mkdir()
    (into / 'mine').touch()
    with pytest.raises(ArchiveError, match='File exists'):
        extract(make_zip(files), str(into))
    assert os.listdir(into) == ['mine']


def test_the_manifest_is_the_archives(make_zip, files, manifest, workspace):
    manifest['Model']['Model-Name'] = 'other'
    files['MANIFEST.json'] = json.dumps(manifest)
    model = opened(make_zip(files), workspace)
    assert (model.service_name, model.model_name, model.manifest) == ('net', 'other', manifest)

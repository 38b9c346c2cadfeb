import os
import subprocess
import sys
from pathlib import Path

import pytest

from mms.errors import ArchiveError
from mms.model_loader import ModelLoader

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / 'tests' / 'fixtures' / 'mms04'
VISION, GLUON = str(FIXTURES / 'a2_vision.model'), str(FIXTURES / 'c_gluon.model')


def test_models_come_back_in_order_as_tuples(tmp_path):
    loaded = ModelLoader.load({'z': VISION, 'a': GLUON}, str(tmp_path))
    assert [tuple(model)[:2] for model in loaded] == [('z', 'a2_vision'), ('a', 'c_gluon')]
    for _, model_name, model_dir, manifest in loaded:
        assert manifest['Model']['Model-Name'] == model_name
        assert os.path.isfile(os.path.join(model_dir, manifest['Model']['Service']))
        assert os.path.commonpath([model_dir, tmp_path]) == str(tmp_path)


def test_no_models_are_no_tuples(tmp_path):
    assert ModelLoader.load({}, str(tmp_path)) == []


def test_one_archive_may_be_served_under_two_names(tmp_path):
    one, two = ModelLoader.load({'one': GLUON, 'two': GLUON}, str(tmp_path))
    assert one.model_dir != two.model_dir


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(ArchiveError, match=r'^none\.model: no such file or folder$'):
        ModelLoader.load({'a': GLUON, 'b': 'none.model'}, str(tmp_path))


def test_without_a_workspace_everything_is_gone_when_the_process_ends(tmp_path):
    script = ('from mms.model_loader import ModelLoader\n'
              'for name in "a", "b":\n'
              f'    print(ModelLoader.load({{name: {GLUON!r}}})[0].model_dir)')
    done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True,
                          timeout=60, env={**os.environ, 'TMPDIR': str(tmp_path)}, check=True)
    folders = done.stdout.splitlines()
    assert len(set(folders)) == 2
    assert all(folder.startswith(f'{tmp_path}/') for folder in folders)
    assert os.listdir(tmp_path) == []

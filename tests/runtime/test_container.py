"""Whether a process is in a container."""

import pytest

from mms.runtime.container import in_container


def test_a_machine_is_no_container(tmp_path):
    (tmp_path / 'proc/1').mkdir(parents=True)
    (tmp_path / 'proc/1/cgroup').write_text('0::/init.scope\n')
    assert not in_container({'HOME': '/root', 'container': ''}, tmp_path)


@pytest.mark.parametrize('name', ['KUBERNETES_SERVICE_HOST', 'container'])
def test_a_variable_tells(name, tmp_path):
    assert in_container({name: 'x'}, tmp_path)


@pytest.mark.parametrize(('path', 'text'), [
    ('.dockerenv', ''), ('run/.containerenv', ''),
    ('proc/1/cgroup', '12:cpu:/docker/0123\n'), ('proc/1/cgroup', '0::/kubepods.slice/pod1\n')])
def test_a_file_tells(path, text, tmp_path):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(text)
    assert in_container({}, tmp_path)

"""Users by name and number, and the folders that are closed to one."""

import grp
import os
import pwd

import pytest

from mms.errors import UsageError
from mms.runtime.users import User, closed_part, described, enters_by_mode, find_user

NOBODY = pwd.getpwnam('nobody')
GROUP = grp.getgrgid(0).gr_name


def refusal(text):
    with pytest.raises(UsageError) as raised:
        find_user(text, '--worker-user')
    return str(raised.value)


def test_a_user_has_its_own_group_and_home_and_all_its_groups():
    for text in ('nobody', str(NOBODY.pw_uid)):
        user = find_user(text, 'x')
        assert user[:3] == ('nobody', NOBODY.pw_uid, NOBODY.pw_gid)
        assert set(user.groups) == set(os.getgrouplist('nobody', NOBODY.pw_gid))
        assert user.home == NOBODY.pw_dir


@pytest.mark.parametrize('group', ['0', GROUP])
def test_another_group_may_be_given_by_name_or_number(group):
    user = find_user(f'nobody:{group}', 'x')
    assert (user.gid, user.groups[0]) == (0, 0)


def test_a_number_without_a_name_is_a_user_of_one_group_and_no_home():
    assert find_user('123456:77', 'x') == User('123456', 123456, 77, (77,), '/')


@pytest.mark.parametrize(('text', 'words'), [
    ('no such one', "--worker-user 'no such one': there is no user 'no such one' on this system"),
    ('root', 'this is root, who may do everything'), ('0', 'this is root'), ('0:5', 'this is root'),
    ('123456', "so give its group too, as in '123456:123456'"),
    ('nobody:none at all', "there is no group 'none at all'"), ('nobody:', "there is no group ''"),
    (':users', "there is no user ''"), ('9' * 30 + ':1', 'is no number of a user'),
    ('1:' + '9' * 30, 'is no number of a group'), ('²:1', 'there is no user'),
])
def test_what_is_no_user_is_told_in_one_line(text, words):
    line = refusal(text)
    assert words in line
    assert '\n' not in line


def test_a_user_of_more_groups_than_a_process_can_be_given_is_refused(monkeypatch):
    monkeypatch.setattr(os, 'getgrouplist', lambda name, gid: list(range(100)))
    assert 'this user is in 101 groups; 64 can be taken along' in refusal('nobody:12345')


def test_the_first_closed_folder_of_a_path_or_of_where_its_links_lead_is_found(tmp_path):
    inner = tmp_path / 'outer' / 'inner'
    inner.mkdir(parents=True)
    (tmp_path / 'link').symlink_to(inner)
    for path in (inner / 'file', tmp_path / 'link' / 'file'):
        assert closed_part(str(path), lambda folder: 'outer' not in folder) == str(inner.parent)
        assert closed_part(str(path), lambda folder: True) is None


@pytest.mark.parametrize(('mode', 'user', 'enters'), [
    (0o700, User('own', os.getuid(), 1, (1,), '/'), True),
    (0o077, User('own', os.getuid(), 1, (1,), '/'), False),
    (0o710, User('grouped', 99, 1, (1, os.getgid()), '/'), True),
    (0o707, User('grouped', 99, 1, (1, os.getgid()), '/'), False),
    (0o701, User('other', 99, 99, (99,), '/'), True),
    (0o770, User('other', 99, 99, (99,), '/'), False),
])
def test_the_mode_of_a_folder_says_who_enters_it(tmp_path, mode, user, enters):
    tmp_path.chmod(mode)
    try:
        assert enters_by_mode(user)(str(tmp_path)) is enters
    finally:
        tmp_path.chmod(0o700)


def test_a_path_is_told_with_its_owner_and_mode(tmp_path):
    tmp_path.chmod(0o750)
    owner = pwd.getpwuid(os.getuid()).pw_name
    assert described(str(tmp_path)) == f'{tmp_path} (of {owner}, mode 0750)'
    assert described('/is/not/there') == '/is/not/there'

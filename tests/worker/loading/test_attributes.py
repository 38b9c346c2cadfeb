"""What a service holds is found at any depth of its lists and dicts."""

from types import SimpleNamespace

from mms.worker.loading.attributes import instances_in


def test_each_object_is_found_once_with_its_place():
    net, other = {1}, {2}
    service = SimpleNamespace(net=net, nets={'a': net, 'b': [3, (other,)]}, name='m')
    assert list(instances_in(service, set)) == [('net', net), ("nets['b'][1][0]", other)]


def test_a_list_that_holds_itself_ends():
    loop = [{1}]
    loop.append(loop)
    assert list(instances_in(SimpleNamespace(loop=loop), set)) == [('loop[0]', {1})]

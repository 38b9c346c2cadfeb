"""NDArrays within what hooks return, however deep that is nested."""



import mxnet as mx

from mms.mxnet_engine.arrays import copied, move_to, wait_for


def within(value, levels):
    for level in range(levels):
        value = [value] if level % 2 else {'a': value}
    return value


def test_arrays_a_hundred_levels_deep_are_moved():
    value = within([mx.nd.ones(2)], 98)
    moved = move_to(value, mx.cpu(1))
    for _ in range(98):
        moved = moved[0] if isinstance(moved, list) else moved['a']
    assert moved[0].context == mx.cpu(1)
    wait_for(copied(value))


def test_what_is_nested_thousands_of_levels_deep_is_left_as_it_is():
    value = within(1, 5000)
    assert move_to(value, mx.cpu(1)) is value
    wait_for(value)

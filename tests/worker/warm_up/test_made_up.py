"""Which requests are made up for a service, and in which order they are tried."""

from types import SimpleNamespace

from mms.worker.warm_up.made_up_requests import MadeUpRequests, bound_lengths

ROWS = {'input_type': 'application/json',
        'inputs': [{'data_name': 'data', 'data_shape': [0, 0]}]}
UNBOUND = SimpleNamespace()
BOUND = SimpleNamespace(mx_model=SimpleNamespace(binded=True, data_shapes=[('data', (1, 3))]))


def columns(request):
    return len(request[0][0])


def test_what_differs_from_zeros_comes_first_and_zeros_are_what_warms_up():
    made = MadeUpRequests(UNBOUND, ROWS)
    first, _, zeros = [made.requests[place] for place in made.at_first]
    assert zeros == [[[0]]]
    assert made.requests[made.afterwards[0]] == zeros
    assert [made.is_as_described(place) for place in made.at_first] == [False, False, True]
    assert first == made.beside(made.at_first[0])[0]


def test_lengths_that_a_network_was_bound_for_come_second():
    made = MadeUpRequests(BOUND, ROWS)
    assert [columns(made.requests[place]) for place in made.at_first] == [1, 3] * 3
    assert [columns(made.requests[place]) for place in made.afterwards] == [1, 3, 1, 3]
    # Of the shape that was answered.
    assert {columns(request) for request in made.beside(made.at_first[3])} == {3}
    assert [place for place in made.afterwards if made.is_as_described(place)] == [4]


def test_a_signature_that_tells_too_little_makes_none():
    made = MadeUpRequests(UNBOUND, {'input_type': 'application/json',
                                    'inputs': [{'data_name': 'data', 'data_shape': []}]})
    assert (made.requests, list(made.at_first)) == ([], [])


def test_lengths_are_those_that_a_module_is_bound_for():
    module = SimpleNamespace(binded=True, data_shapes=[('data', (1, 3))])
    assert bound_lengths(SimpleNamespace(mx_model=module)) == {'data': [1, 3]}
    assert bound_lengths(SimpleNamespace(mx_model=SimpleNamespace(binded=False))) == {}
    assert bound_lengths(SimpleNamespace()) == {}

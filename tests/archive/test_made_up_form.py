"""Made-up inputs, as a client would send them."""

from mms.archive.made_up_form import made_up_form
from mms.archive.sample import sample_inputs


def form(*inputs):
    signature = {'inputs': list(inputs), 'input_type': 'application/json'}
    return made_up_form(signature, sample_inputs(signature))


def test_tensors_are_fields_and_pictures_are_files():
    row = {'data_name': 'row', 'data_shape': [0, 2]}
    picture = {'data_name': 'face', 'data_shape': [0, 3, 8, 8], 'input_type': 'image/jpeg'}
    assert form(row).body == b'row=%5B%5B0%2C+0%5D%5D'
    both = form(row, picture)
    assert both.content_type.startswith('multipart/form-data; boundary=')
    assert b'name="row"\r\n\r\n[[0, 0]]\r\n' in both.body
    assert b'name="face"; filename="face.jpg"\r\nContent-Type: image/jpeg\r\n' in both.body


def test_a_model_without_inputs_is_asked_for_nothing():
    assert form() == ('', b'')

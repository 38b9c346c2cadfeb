"""Services that set their signature themselves: what they set is what is served."""

import pytest
from harness import until, write_archive

OTHER = {'inputs': [{'data_name': 'other', 'data_shape': (0, 1)}],
         'input_type': 'application/json'}
PLAIN = '''
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    def __init__(self, model_name, model_dir, manifest, gpu=None):
        {before}
        super().__init__(model_name, model_dir, manifest, gpu)
        {after}

    def _inference(self, data):
        return [self.model_name, *data]
'''
OF_MXNET = '''
import mxnet as mx
from mms.model_service.mxnet_model_service import MXNetBaseService


class Service(MXNetBaseService):
    output_format = 'lists'

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        {before}
        super().__init__(model_name, model_dir, manifest, gpu)
        {after}
        self.net = lambda array: array * 2
'''
SET = f'self.signature = {OTHER!r}'


@pytest.mark.parametrize(('source', 'answer'), [(PLAIN, ['m', [[1]]]), (OF_MXNET, [[[2.0]]])])
@pytest.mark.parametrize('where', ['before', 'after'])
def test_a_signature_that_a_constructor_sets_is_served(source, answer, where, serve, tmp_path):
    text = source.format(**{'before': 'pass', 'after': 'pass', where: SET})
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=text)}", '--workers', 1)
    served = server.post('m', data={'other': '[[1]]'})
    assert (served.status_code, served.json()) == (200, {'prediction': answer})
    refused = server.post('m', data={'data': '[[1]]'})
    assert (refused.status_code, 'data_name of other' in refused.text) == (400, True)
    post = server.get('/api-description').json()['description']['paths']['/m/predict']['post']
    assert [parameter['name'] for parameter in post['parameters']] == ['other']
    until(lambda: '-F ' in server.stdout)
    assert 'other=' in server.stdout

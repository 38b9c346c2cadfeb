"""What tritonclient gets from a server: each call by its name, as JSON on standard output.

Run by the Python that has tritonclient: URL MANAGEMENT_URL PICTURE.
"""

import json
import sys

import ml_dtypes
import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

TYPES = ['?', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8', ml_dtypes.bfloat16]


def tensor(name, array, binary=True):
    made = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    return made.set_data_from_numpy(array, binary_data=binary)


def said(result, output):
    array = result.as_numpy(output)
    values = array.tolist()
    return {'values': json.loads(json.dumps(values, default=lambda value: value.decode())),
            'shape': list(array.shape), 'dtype': str(array.dtype)}


def refused(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except InferenceServerException as error:
        return {'status': error.status(), 'message': error.message()}
    return None


def tell_of_models(client):
    yield 'live', client.is_server_live()
    yield 'ready', client.is_server_ready()
    yield 'server', client.get_server_metadata()
    yield 'model ready', client.is_model_ready('dense')
    yield 'version ready', client.is_model_ready('dense', '1')
    yield 'other version ready', client.is_model_ready('dense', '2')
    yield 'unknown ready', client.is_model_ready('unknown')
    yield 'metadata', client.get_model_metadata('dense')
    yield 'metadata of pictures', client.get_model_metadata('pictures', '1')
    yield 'config', client.get_model_config('dense')
    yield 'unknown metadata', refused(client.get_model_metadata, 'unknown')
    yield 'index', client.get_model_repository_index()
    yield 'load', refused(client.load_model, 'dense')


def infer_tensors(client):
    left = np.array([[1, 2, 3, 4]], np.float32)
    inputs = [tensor('left', left), tensor('right', left)]
    yield 'binary', said(client.infer('dense', inputs), 'softmax')
    yield 'version', said(client.infer('dense', inputs, model_version='1'), 'softmax')
    as_json = [tensor('left', left, False), tensor('right', left, False)]
    outputs = [InferRequestedOutput('softmax', binary_data=False)]
    found = client.infer('dense', as_json, outputs=outputs, request_id='my id')
    yield 'json', said(found, 'softmax')
    yield 'response', found.get_response()
    outputs = [InferRequestedOutput('softmax', binary_data=True)]
    yield 'both', said(client.infer('dense', [inputs[0], as_json[1]], outputs=outputs), 'softmax')
    many = np.repeat(left, 600, axis=0)
    inputs = [tensor('left', many), tensor('right', many)]
    for coding in ('gzip', 'deflate'):
        found = client.infer('dense', inputs, request_compression_algorithm=coding,
                             response_compression_algorithm=coding)
        array = found.as_numpy('softmax')
        yield coding, {'shape': list(array.shape), 'first': array[0].tolist(),
                       'equal': bool((array == array[0]).all())}
    waiting = [client.async_infer('dense', as_json) for _ in range(4)]
    yield 'async', [said(each.get_result(), 'softmax') for each in waiting]
    outputs = [InferRequestedOutput('softmax', class_count=2)]
    yield 'classes', said(client.infer('dense', as_json, outputs=outputs), 'softmax')


def infer_types(client):
    for code in TYPES:
        array = np.array([[0, 1], [1, 0]]).astype(code)
        name = np_to_triton_dtype(array.dtype)
        yield f'{name} in binary', said(client.infer('echo', [tensor('data', array)]), 'out')
        if name not in ('BF16',):
            yield f'{name} in JSON', said(client.infer(
                'echo', [tensor('data', array, False)]), 'out')
    texts = np.array([['größe', ''], ['b', 'c']], dtype=object)
    yield 'BYTES in binary', said(client.infer('echo', [tensor('data', texts)]), 'out')
    outputs = [InferRequestedOutput('out', binary_data=False)]
    yield 'BYTES in JSON', said(client.infer(
        'echo', [tensor('data', texts, False)], outputs=outputs), 'out')
    empty = np.zeros((0, 2), np.float32)
    yield 'empty', said(client.infer('echo', [tensor('data', empty)]), 'out')


def infer_pictures(client, path):
    with open(path, 'rb') as file:
        picture = np.array([file.read()], dtype=object)
    yield 'picture', said(client.infer('pictures', [tensor('data', picture)]), 'softmax')
    three = np.repeat(picture, 3)
    for binary in (True, False):
        outputs = [InferRequestedOutput('softmax', binary_data=binary)]
        yield f'pictures {binary}', said(client.infer(
            'pictures', [tensor('data', three)], outputs=outputs), 'softmax')
    outputs = [InferRequestedOutput('softmax', class_count=3, binary_data=False)]
    yield 'classes of pictures', said(client.infer(
        'pictures', [tensor('data', three)], outputs=outputs), 'softmax')
    yield 'picture classes', said(client.infer(
        'pictures', [tensor('data', picture)], outputs=outputs), 'softmax')
    broken = np.array([b'no picture'], dtype=object)
    yield 'one is no picture', refused(client.infer, 'pictures', [
        tensor('data', np.concatenate([picture, broken]))])
    yield 'no picture', refused(client.infer, 'pictures', [tensor('data', broken)])


def refuse(client):
    left = np.array([[1, 2, 3, 4]], np.float32)
    both = [tensor('left', left), tensor('right', left)]
    yield 'missing input', refused(client.infer, 'dense', both[:1])
    yield 'unknown input', refused(client.infer, 'dense', [*both, tensor('up', left)])
    yield 'unknown output', refused(client.infer, 'dense', both,
                                    outputs=[InferRequestedOutput('y')])
    wide = np.ones((1, 5), np.float32)
    yield 'wrong shape', refused(client.infer, 'dense', [tensor('left', wide), both[1]])
    yield 'unknown model', refused(client.infer, 'unknown', both)
    yield 'unknown version', refused(client.infer, 'dense', both, model_version='7')


def count(client):
    yield 'statistics', client.get_inference_statistics('dense')
    yield 'all statistics', client.get_inference_statistics()


def manage(client):
    yield 'managed index', client.get_model_repository_index()
    client.unload_model('echo')
    yield 'unloaded ready', client.is_model_ready('echo')
    yield 'unloaded index', client.get_model_repository_index()
    client.load_model('echo')
    yield 'loaded ready', client.is_model_ready('echo')
    client.load_model('stored')
    yield 'stored ready', client.is_model_ready('stored')
    client.load_model('stored')
    yield 'stored ready again', client.is_model_ready('stored')
    yield 'nothing to load', refused(client.load_model, 'nowhere')
    yield 'nothing to unload', refused(client.unload_model, 'nowhere')
    yield 'load with config', refused(client.load_model, 'echo', config='{}')


def main(url, management_url, picture):
    client = InferenceServerClient(url, concurrency=4)
    calls = {}
    for many in (tell_of_models(client), infer_tensors(client), infer_types(client),
                 infer_pictures(client, picture), refuse(client), count(client),
                 manage(InferenceServerClient(management_url))):
        calls.update(many)
    print(json.dumps(calls))


main(*sys.argv[1:])

"""What KServe's client for REST gets from a server: each call by its name, as JSON on standard
output.

Run by the Python that has kserve: URL PICTURE.
"""

import asyncio
import importlib.util
import json
import sys
import types

import numpy as np

# The package imports what serves models, and Kubernetes, before its client can be asked for.
spec = importlib.util.find_spec('kserve')
sys.modules['kserve'] = types.ModuleType('kserve')
sys.modules['kserve'].__path__ = spec.submodule_search_locations

from kserve.inference_client import InferenceRESTClient, RESTConfig  # noqa: E402
from kserve.protocol.infer_type import InferInput, InferRequest  # noqa: E402


def request(model, binary, parameters=None, **arrays):
    inputs = []
    for name, array in arrays.items():
        kind = 'BYTES' if array.dtype == object else 'FP32'
        made = InferInput(name, list(array.shape), kind)
        made.set_data_from_numpy(array, binary_data=binary)
        inputs.append(made)
    return InferRequest(model, inputs, request_id='my id', parameters=parameters)


def said(response):
    output, = response.outputs
    array = output.as_numpy()
    return {'id': response.id, 'model': response.model_name, 'name': output.name,
            'datatype': output.datatype, 'shape': list(array.shape), 'values': array.tolist()}


async def refused(call):
    try:
        await call
    except Exception as error:
        return {'status': error.response.status_code, 'message': str(error)}
    return None


async def calls(url, path):
    client = InferenceRESTClient(RESTConfig(protocol='v2', retries=1))
    yield 'live', await client.is_server_live(url)
    yield 'ready', await client.is_server_ready(url)
    yield 'model ready', await client.is_model_ready(url, 'dense')
    yield 'unknown ready', await client.is_model_ready(url, 'unknown')
    left = np.array([[1, 2, 3, 4]], np.float32)

    async def infer(model, *args, **arrays):
        return said(await client.infer(url, request(model, *args, **arrays), model_name=model))

    yield 'json', await infer('dense', False, left=left, right=left)
    yield 'binary', await infer('dense', True, left=left, right=left)
    yield 'binary answer', await infer('dense', True, {'binary_data_output': True}, left=left,
                                       right=left)
    many = np.repeat(left, 600, axis=0)
    yield 'compressed answer', await infer('dense', True, {'binary_data_output': True}, left=many,
                                           right=many)
    with open(path, 'rb') as file:
        picture = np.array([file.read()], dtype=object)
    yield 'picture', await infer('pictures', True, data=picture)
    yield 'missing input', await refused(client.infer(
        url, request('dense', True, left=left), model_name='dense'))
    yield 'unknown model', await refused(client.infer(
        url, request('unknown', True, left=left), model_name='unknown'))
    await client.close()


async def main(url, picture):
    print(json.dumps({name: value async for name, value in calls(url, picture)}))


asyncio.run(main(*sys.argv[1:]))

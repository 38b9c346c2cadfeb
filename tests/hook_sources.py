"""Services whose requests may run together, or may not: sources, and archives of MMS 0.4."""

from mms.worker.batches.verdict import Outcome

HEAD = '''
    import mxnet as mx
    from mms.model_service.model_service import SingleNodeService

    SEEN = {}

    class Service(SingleNodeService):
        def __init__(self, *args):
            self.ctx = mx.cpu()
            self.calls = []
            self.size = None
            self.buffer = mx.nd.zeros((1, 2))

        def _preprocess(self, data):
            return [mx.nd.array(data[0])]

        def _inference(self, data):
            return data[0] * 2

        def _postprocess(self, data):
            return data.asnumpy().tolist()

'''
PRE = 'return [mx.nd.array(data[0])]'


def hooks(pre='', inf='', post=''):
    """Source of a service that doubles a row of two numbers, but for the given hooks."""
    parts = [f'        def _{name}(self, data):\n            {body}\n' for name, body in (
        ('preprocess', pre), ('inference', inf), ('postprocess', post)) if body]
    return HEAD + '\n'.join(parts)


# Name, source, and the reason why its requests may not run together.
NOT_BATCHABLE = [
    ('attribute', hooks(pre=f'self.size = 1; {PRE}'), 'its _preprocess writes self.size'),
    ('removed', hooks(pre=f'self.x = 1; del self.x; {PRE}'), 'its _preprocess writes self.x'),
    ('listed', hooks(inf='self.calls.append(1); return data[0]'),
     'its _inference writes self.calls'),
    ('globally', hooks(pre=f'SEEN["size"] = 3; {PRE}'), 'its _preprocess writes the global SEEN'),
    ('classwide', hooks(post='type(self).last = 1; return 1'),
     'its _postprocess writes Service.last'),
    ('buffered', hooks(pre='self.buffer[:] = mx.nd.array(data[0]); return [self.buffer]'),
     'its _preprocess writes self.buffer'),
    ('summed', hooks(inf='return data[0].sum()'),
     'its output does not follow the batch axis: shape (1,) for 5 rows'),
    ('centred', hooks(inf='return data[0] - data[0].mean(axis=0)'),
     'its numbers differ by 2 when run together'),
    ('texts', hooks(pre='return "text"', inf='return mx.nd.ones((1, 2))'),
     'its _preprocess returns str'),
    ('single', hooks(inf='assert data[0].shape[0] == 1; return data[0]'),
     'it fails when run together: AssertionError'),
]

# Archive, what comes of running its requests together, and how the reason begins.
OF_0_4 = [
    ('a2_vision.model', Outcome.EQUAL, ''), ('b2_json.model', Outcome.EQUAL, ''),
    ('g_seed.model', Outcome.EQUAL, ''),
    ('c_gluon.model', Outcome.REFUSED,
     'its _inference reads numbers of all requests at once: shape (1,) for'),
    ('e_boxes.model', Outcome.REFUSED, 'its _preprocess writes self.size'),
]

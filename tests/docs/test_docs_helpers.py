"""The helpers that the page of services lists have the signatures that it gives."""

import importlib
import inspect
import re

import pytest
from doc_pages import code_spans, read, rows, section

from mms import mxnet_compat

mxnet_compat.prepare()

MODULE = re.compile(r'^Of `(mms[\w.]+)`', re.M)


def documented():
    """Module -> the signatures below its name."""
    _, *parts = MODULE.split(section(read('docs/custom_services.md'), 'Helpers'))
    return {module: [code_spans(cells[0])[0] for cells in rows(text) if code_spans(cells[0])]
            for module, text in zip(parts[::2], parts[1::2])}


@pytest.mark.parametrize(('module', 'written'), [
    (module, written) for module, found in documented().items() for written in found])
def test_a_helper_has_the_signature_that_the_page_gives(module, written):
    name, _, _ = written.partition('(')
    signature = inspect.signature(getattr(importlib.import_module(module), name))
    plain = signature.replace(return_annotation=signature.empty, parameters=[
        parameter.replace(annotation=parameter.empty)
        for parameter in signature.parameters.values()])
    assert f'{name}{plain}' == written.replace("'\\n'", repr('\n'))


@pytest.mark.parametrize('module', [name for name in documented() if name.startswith('mms.utils')])
def test_every_public_function_of_a_module_of_helpers_is_listed(module):
    public = {name for name, value in vars(importlib.import_module(module)).items()
              if inspect.isfunction(value) and value.__module__ == module
              and not name.startswith('_')}
    assert {written.partition('(')[0] for written in documented()[module]} == public

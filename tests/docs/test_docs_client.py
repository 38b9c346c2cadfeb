"""The page of the client has each error, method, setting and limit, with the real defaults."""

import dataclasses
import inspect

import pytest
from doc_pages import code_spans, read, row_of, rows, section

import mms.client
from mms.client import AsyncClient, Client, ClientError, ErrorAnswer, Retries, Timeouts

PAGE = read('docs/client.md')
ERRORS = [cls for name in mms.client.__all__ for cls in [getattr(mms.client, name)]
          if inspect.isclass(cls) and issubclass(cls, ClientError) and cls is not ClientError]


@pytest.mark.parametrize('cls', ERRORS, ids=lambda cls: cls.__name__)
def test_an_error_has_a_row_that_says_whether_the_model_may_have_run(cls):
    told = row_of(section(PAGE, 'Errors'), cls.__name__)[2]
    if told in ('yes', 'no'):
        status = {'ModelFailed': 500, 'ServerTimedOut': 504}.get(cls.__name__, 400)
        made = cls('m', 'id', *([status] if issubclass(cls, ErrorAnswer) else []))
        assert made.may_have_run is (told == 'yes')


def test_no_error_is_told_of_that_is_not_there():
    named = {code_spans(cells[0])[0] for cells in rows(section(PAGE, 'Errors'))
             if code_spans(cells[0])}
    assert named == {cls.__name__ for cls in ERRORS}


@pytest.mark.parametrize(('limits', 'heading'), [(Timeouts, 'Time'),
                                                 (Retries, 'What is asked again')])
def test_a_limit_has_its_default(limits, heading):
    for field in dataclasses.fields(limits):
        told = row_of(section(PAGE, heading), field.name)[1]
        assert told == ('none' if field.default is None else f'{field.default:g}'
                        if not isinstance(field.default, bool) else str(field.default)), field.name


@pytest.mark.parametrize('cls', [Client, AsyncClient])
def test_a_method_has_a_row_with_its_signature_and_a_setting_has_one(cls):
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith('_'):
            [written] = [span for cells in rows(PAGE) for span in code_spans(cells[0])
                         if span.startswith(f'{name}(')]
            signature = inspect.signature(method)
            plain = signature.replace(return_annotation=signature.empty, parameters=[
                each.replace(annotation=each.empty, kind=each.POSITIONAL_OR_KEYWORD)
                for each in list(signature.parameters.values())[1:]])
            assert written == f'{name}{plain}'
    settings = list(inspect.signature(cls).parameters)
    named = [span for cells in rows(section(PAGE, 'From Python')) for span in code_spans(cells[0])]
    assert set(settings) <= set(named)

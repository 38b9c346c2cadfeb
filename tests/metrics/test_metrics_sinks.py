import logging

import pytest

from mms.errors import UsageError
from mms.metrics import Point, Report, make_sink

AT = 1527159646.7  # 2018-05-24 11:00:46.7 UTC


def point(name, value, model=None, unit='Count'):
    return Point(name, unit, model, value, 1, value, value, value)


def messages(caplog):
    return [(r.levelname, r.getMessage()) for r in caplog.records]


def test_the_log_sink_writes_the_line_of_the_contract(caplog):
    with caplog.at_level(logging.INFO):
        make_sink('log', 'unused').write(Report(AT, 60.0, [point('PingTotal', 3.0)]))
    assert messages(caplog) == [('INFO', 'Metric PingTotal for last 60 seconds is 3.000000')]


def test_the_csv_sink_appends_rows_without_a_header(tmp_path):
    sink = make_sink('csv', str(tmp_path / 'metrics'))
    sink.write(Report(AT, 60, [point('PingTotal', 1.0), point('PredictionTotal', 2.0, 'a'),
                               point('PredictionTotal', 5.0, 'b')]))
    sink.write(Report(AT + 60, 60, [point('PingTotal', 0.25)]))
    files = {p.name: p.read_text() for p in (tmp_path / 'metrics').iterdir()}
    assert files == {
        'mms_PingTotal.csv': '2018-05-24 11:00:46Z,1.0\n2018-05-24 11:01:46Z,0.25\n',
        'mms_PredictionTotal.csv': '2018-05-24 11:00:46Z,2.0\n2018-05-24 11:00:46Z,5.0\n'}


def test_csv_rows_end_as_those_of_mms_04_did(tmp_path):
    make_sink('csv', str(tmp_path)).write(Report(AT, 60, [point('PingTotal', 1.0)]))
    assert (tmp_path / 'mms_PingTotal.csv').read_bytes() == b'2018-05-24 11:00:46Z,1.0\r\n'


def test_no_folder_is_made_before_there_is_a_row(tmp_path):
    make_sink('csv', str(tmp_path / 'metrics'))
    assert list(tmp_path.iterdir()) == []


def test_the_csv_folder_stays_where_the_server_was_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sink = make_sink('csv', 'metrics')
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path / 'elsewhere')
    sink.write(Report(AT, 60, [point('PingTotal', 1.0)]))
    assert (tmp_path / 'metrics' / 'mms_PingTotal.csv').exists()


def test_rows_that_cannot_be_written_go_to_the_log_and_the_next_report_tries_again(
        tmp_path, caplog):
    blocker = tmp_path / 'metrics'
    blocker.write_text('a file, not a folder')
    sink = make_sink('csv', str(blocker))
    report = Report(AT, 60, [point('PingTotal', 1.0), point('APIDescriptionTotal', 2.0)])
    with caplog.at_level(logging.INFO):
        sink.write(report)
    (level, warning), *values = messages(caplog)
    assert level == 'WARNING'
    assert str(blocker) in warning
    assert values == [('INFO', 'Metric PingTotal for last 60 seconds is 1.000000'),
                      ('INFO', 'Metric APIDescriptionTotal for last 60 seconds is 2.000000')]
    blocker.unlink()
    caplog.clear()
    sink.write(report)
    assert messages(caplog) == []
    assert len(list(blocker.iterdir())) == 2


def test_one_file_that_cannot_be_written_costs_only_its_own_row(tmp_path, caplog):
    (tmp_path / 'mms_PingTotal.csv').mkdir()
    with caplog.at_level(logging.INFO):
        make_sink('csv', str(tmp_path)).write(
            Report(AT, 60, [point('PingTotal', 1.0), point('APIDescriptionTotal', 2.0)]))
    assert [level for level, _ in messages(caplog)] == ['WARNING', 'INFO']
    assert (tmp_path / 'mms_APIDescriptionTotal.csv').read_text() == '2018-05-24 11:00:46Z,2.0\n'


def test_an_unknown_sink_is_a_usage_error_naming_the_flag():
    with pytest.raises(UsageError, match="--metrics-write-to 'xml' is not one of log, csv"):
        make_sink('xml')

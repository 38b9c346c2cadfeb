"""The front processes of a server that cannot be started: tried again, and no hindrance."""

import gevent

from mms.errors import StartupError
from mms.fronts import fleet as under_test
from mms.fronts.fleet import Fleet
from mms.runtime.shared_budget import SharedBudget, SharedCells


def test_the_end_does_not_wait_for_the_next_try(monkeypatch, caplog):
    def cannot_start(place, fd):
        raise StartupError('no front process can be started (no memory)')

    monkeypatch.setattr(under_test, 'FrontProcess', cannot_start)
    monkeypatch.setattr(under_test, '_FIRST_PAUSE_S', 60.0)
    monkeypatch.setattr(under_test, '_LONGEST_PAUSE_S', 60.0)
    cells = SharedCells.made(3)
    fleet = Fleet(2, SharedBudget(100, cells, 0))
    with gevent.Timeout(30):
        # The second of them follows at once.
        while len(caplog.records) < 4:
            gevent.sleep(0.001)
        fleet.end()
    cells.close()
    assert {record.getMessage() for record in caplog.records} == {
        'no front process can be started (no memory); its connections are served by others.'}

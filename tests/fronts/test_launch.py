"""A front process that cannot begin ends, and says why in one line."""

import pytest

from mms.config.cors_origins import EVERY_ORIGIN
from mms.frontend.forwarded import NOBODY
from mms.frontend.http.limits import UNLIMITED
from mms.fronts.desk import Services
from mms.fronts.launch import FrontProcess
from mms.fronts.link import LinkClosed
from mms.fronts.options import FrontOptions
from mms.log.rotation import LogRotation
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.shared_budget import SharedCells


def test_a_log_file_that_cannot_be_opened_any_more_is_no_traceback(tmp_path, capfd):
    cells = SharedCells.made(2)
    front = FrontProcess(1, cells.fd)
    options = FrontOptions(
        str(tmp_path / 'gone' / 'app.log'), 'text', LogRotation(1, 'H'), 20, False, (), 0.0,
        EVERY_ORIGIN, NOBODY, None, 1000, 1000, UNLIMITED, None, None, {}, ())
    try:
        with pytest.raises(LinkClosed):
            front.begin(options, Services(None, None, None, None, ByteBudget(), {}, None), None)
    finally:
        how = front.end()
        cells.close()
    said = capfd.readouterr().err.splitlines()
    assert how == 'exit status 1'
    assert len(said) == 1
    assert said[0].startswith("A front process cannot begin: --log-file '")

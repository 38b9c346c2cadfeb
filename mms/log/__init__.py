"""Where log lines go and how they look; service files import :func:`get_logger`.

To be imported from outside: :mod:`mms.log.setup`, :mod:`mms.log.lines`, :mod:`mms.log.relay`,
:mod:`mms.log.rotation`, :mod:`mms.log.call_site` and :mod:`mms.log.uncaught`, too; ``request_ids``
by who begins or ends a request, and what ``brief_start`` and ``json_lines`` have for `extra` of a
log call.
"""

from mms.log.setup import get_logger as get_logger

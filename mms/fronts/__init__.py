"""Further processes that speak HTTP for a server: ``--front-processes``.

To be imported from outside: :mod:`mms.fronts.fleet`, :mod:`mms.fronts.options`,
:mod:`mms.fronts.acceptor` and :mod:`mms.fronts.desk`, by whoever puts the server together; the rest
is its own.
"""

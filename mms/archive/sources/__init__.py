"""Where archives come from: one file for each kind of place, and the table that names them.

To be imported from outside: :mod:`mms.archive.sources.table`, and of ``local`` the path of a
``file:`` URL.
"""

"""Model archives: fetch, open, check and write them. Never imports MXNet.

To be imported from outside: all modules but :mod:`mms.archive.fetch` and the sources, which bring
an archive here.
"""

"""``mxnet-model-server models``: the models of a running server, from the command line.

Imports neither gevent nor what a server is made of, so that it starts at once.

To be imported from outside: :mod:`mms.management_command.command`, and
:mod:`mms.management_command.parser` for the completion of its words.
"""

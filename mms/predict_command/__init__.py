"""``mxnet-model-predict``: asks a model of a running server, from the command line.

To be imported from outside: :mod:`mms.predict_command.command`, and
:mod:`mms.predict_command.parser`.
"""

"""``mxnet-model-export``: make archives, and look at them.

To be imported from outside: the command, :mod:`mms.export_model`, and nothing else imports it.
"""

"""Puts the parts of a server together: what the public doors and embedders start.

To be imported from outside: :class:`mms.bootstrap.parts.Parts` and what runs them
(``http_service``, ``embedded``, ``client_sdk``, ``model_check``), by
:mod:`mms.mxnet_model_server` alone.
"""

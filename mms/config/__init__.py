"""What the server was asked to do, and where that was said: options, their sources, their values.

To be imported from outside: :class:`mms.config.settings.Settings`, whose fields are the options;
what it has of devices, in ``device_flags``, of models in ``required_models``, of proxies in
``trusted_proxies`` of pages in ``cors_origins``
and of clients in ``rate_limit``; what a name may be, in ``models``, and how
many workers, in ``per_model``;
``server_parser`` and ``export_parser`` by :mod:`mms.arg_parser`; ``command_line`` by other
commands. Workers get what they need in messages, and know ``defaults`` alone.
"""

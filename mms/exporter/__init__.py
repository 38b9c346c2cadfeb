"""``mxnet-model-export``: make archives, and look at them.

To be imported from outside: ``packing``, ``network_export``, ``start_folder`` and
``inspect_command``, by :mod:`mms.export_model` alone.
"""

"""A process of one model: it loads the service, and answers requests.

To be imported from outside: :mod:`mms.worker.main` is started as a program. The exporter looks at a
service through ``loading`` (``advice``, ``picture_inputs``, ``service_loader``); nothing else
outside imports from here.
"""

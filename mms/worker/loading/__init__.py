"""From a service file and its archive to a service that can answer.

To be imported from outside: :mod:`mms.worker.loading.service_loader`, and what it found out.
"""

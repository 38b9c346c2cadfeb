"""From a service file and its archive to a service that can answer.

To be imported from outside: ``readable``, ``service_factory``, ``service_loader``, and what can be
found out of a service: ``live_signature``, ``attributes``, ``picture_inputs`` and ``advice``.
"""

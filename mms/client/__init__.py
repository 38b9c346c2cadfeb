"""What speaks to a server: SDKs from the API description, and the client of a management port.

To be imported from outside: :mod:`mms.client.sdk`, :mod:`mms.client.management_client` with its
``management_address``, and :mod:`mms.client.management_tls`.
"""

"""What is made for clients: SDKs from the API description.

To be imported from outside: :mod:`mms.client.sdk`.
"""

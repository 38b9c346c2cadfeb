"""A process of one model: it loads the service, and answers requests.

To be imported from outside: :mod:`mms.worker.main` is started as a program; nothing outside
imports from here.
"""

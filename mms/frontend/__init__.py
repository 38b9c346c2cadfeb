"""HTTP: from a request to the model that answers it, and back.

To be imported from outside: :mod:`mms.frontend.http.server`, the applications of
:mod:`mms.frontend.api`, errors.
"""

"""HTTP: from a request to the model that answers it, and back.

To be imported from outside: :mod:`mms.frontend.http.server`, the ``application``, its ``routes``,
``routing``, ``predictor``, ``middleware``, its ``stack``, ``rate_limiting`` and ``chain``, the
``exchange`` and the ``error_form``, the ``access_log``, what ``openapi`` documents tell,
``address``, :mod:`mms.frontend.console`, :mod:`mms.frontend.docs`,
:mod:`mms.frontend.flask_app`, and :mod:`mms.frontend.management`.
"""

"""Several requests at once, and the proof that this changes no answer.

To be imported from outside: ``joint`` and ``trial`` runs, the ``proof``, its ``verdict``, and how
values are put together and compared: ``collate``, ``compare``.
"""

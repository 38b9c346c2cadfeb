"""Several requests at once, and the proof that this changes no answer.

To be imported from outside: :mod:`mms.worker.batches.joint`, trials and comparisons.
"""

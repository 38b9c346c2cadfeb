"""The Open Inference Protocol, version 2, with Triton's extensions: tensors in, tensors out.

To be imported from outside: ``codec``.
"""

"""Networks that are in memory, as files of a model: Gluon's blocks, Modules, symbols.

All of it runs in the user's own process, and leaves MXNet, the network and the parameters there as
they were. To be imported from outside: ``kinds``, ``gluon``, ``network``, ``probabilities`` and
``symbols``.
"""

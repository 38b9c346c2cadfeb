"""What the front process and the processes of a model say to each other, and how.

To be imported from outside: :mod:`mms.ipc.request`, :mod:`mms.ipc.messages`,
:mod:`mms.ipc.findings` and :mod:`mms.ipc.context` by all, :mod:`mms.ipc.channel` and what it raises
(:mod:`mms.ipc.shape`) by the two ends.
"""

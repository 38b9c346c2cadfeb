"""MXNet computes as in a worker of the server, for who imports this before MXNet."""

from mms.mxnet_compat.engine import compute_as_served

compute_as_served()

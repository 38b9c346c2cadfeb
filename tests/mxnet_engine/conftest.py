"""A dense network, and folders for it."""

from dense_model import dense, model_folder  # noqa: F401

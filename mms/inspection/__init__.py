"""What an archive holds, and whether it would be served: ``mxnet-model-export --inspect``."""

"""ONNX models become a symbol and parameters of MXNet: exactly, or not at all."""

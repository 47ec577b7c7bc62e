"""A network as a graph, and what every tensor in it sees: from an ONNX file, or from PyTorch."""

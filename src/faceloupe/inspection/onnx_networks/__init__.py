"""Looking inside ONNX files: reading them, running them, taking them apart."""

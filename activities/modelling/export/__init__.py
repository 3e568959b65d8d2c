"""The one ONNX file of a model: made, compared, timed and kept within bounds."""

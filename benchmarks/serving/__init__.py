"""The prediction service beside its peers, in the same run on the same ONNX files.

Every server is an entrant: one process (where it can be one) on a port of its own, alone on the
machine with wrk, gone before the next one starts. Ours runs in this environment, those in `peers/`
in environments of their own, made from the locks beside them.
"""

"""The ONNX Runtime session that all have alike: on one thread, which does not spin.

Loaded in the peers' environments: ONNX Runtime and numpy alone.
"""

from __future__ import annotations

import onnxruntime as ort

THREADS = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
CONFIG = {"session.intra_op.allow_spinning": "0"}
INPUT = "features"


def session(path: str) -> ort.InferenceSession:
    """A session, as `serving/model.py` makes it."""
    options = ort.SessionOptions()
    for name, value in THREADS.items():
        setattr(options, name, value)
    for name, value in CONFIG.items():
        options.add_session_config_entry(name, value)
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

"""Deliveries as MLflow signs them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

SECRET = "of the webhook"
HOOK = "/v1/hooks/mlflow"
ALIAS = json.dumps({"entity": "model_version_alias", "action": "created", "data": {}}).encode()


def signed(
    body: bytes = ALIAS, *, secret: str = SECRET, delivery: str = "d-1", age: float = 0
) -> dict[str, str]:
    """The headers of a delivery."""
    timestamp = str(int(time.time() - age))
    content = f"{delivery}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), content, hashlib.sha256).digest()
    return {
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": timestamp,
        "X-MLflow-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }

"""Where everything is: one settings object, read from the environment.

The defaults are the local stack's (`make up`). A cluster sets the same variables to other
addresses and nothing else changes. Temporal's own `TEMPORAL_*` variables (address, namespace,
TLS, API key) are read by `temporalio.envconfig` where a client is built; Ray's `RAY_ADDRESS` and
MLflow's `MLFLOW_TRACKING_URI` keep their usual names.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from perennial.contracts.spec_part import Duration


class Settings(BaseSettings):
    """Addresses and locations used by the API and the workers."""

    model_config = SettingsConfigDict(env_prefix="PERENNIAL_", frozen=True, extra="ignore")

    state_dir: Path = Field(
        default=Path(".perennial"),
        description="Folder for the database, blobs, tokens and logs of the local stack.",
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy URL of the records. Empty: SQLite in the state folder.",
    )
    blob_url: str = Field(
        default="",
        description="fsspec URL of the content-addressed store. Empty: a folder in the state "
        "folder.",
    )
    request_log_url: str = Field(
        default="",
        description="fsspec URL of the log of requests. Empty: a folder in the state folder.",
    )
    tokens_file: Path | None = Field(
        default=None,
        description="0600 file of bearer tokens. Empty: tokens.json in the state folder.",
    )
    channels: Path | None = Field(
        default=None,
        description="0600 file of the channels that alerts go to. Empty: channels.yaml in the "
        "state folder, if it is there.",
    )
    opa_binary: str = Field(
        default="opa", description="The opa program, with which stored decisions are replayed."
    )
    opa_url: str = Field(
        default="http://127.0.0.1:8181",
        validation_alias=AliasChoices("PERENNIAL_OPA_URL", "OPA_URL"),
    )
    mlflow_tracking_uri: str = Field(
        default="http://127.0.0.1:5000", validation_alias="MLFLOW_TRACKING_URI"
    )
    ray_address: str = Field(default="127.0.0.1:6379", validation_alias="RAY_ADDRESS")
    build_id: str = Field(
        default="",
        description="Names the code of a worker. Set: runs stay on the build they began on. "
        "Empty: every worker takes every workflow.",
    )
    bus_url: str = Field(
        default="",
        description="Message bus that is listened to: amqp://user:password@host/ or "
        "kafka://host:port,host:port. Empty: none.",
    )
    bus_queue: str = Field(
        default="perennial.triggers", description="Queue of RabbitMQ, or topic of Kafka."
    )
    mlflow_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="With which MLflow signs its webhooks. Empty: they are not listened to.",
    )
    worker_metrics: str = Field(
        default="",
        description="host:port at which a worker shows its figures to Prometheus. Empty: nowhere.",
    )
    keep_profiles: Duration = Field(
        default="400d",
        description="How long profiles of windows are kept, with every column's bins. Verdicts "
        "stay.",
    )
    keep_labels: Duration = Field(
        default="400d", description="How long labels are kept. What windows said by them stays."
    )
    keep_deliveries: Duration = Field(
        default="90d", description="How long deliveries of closed alerts are kept. Alerts stay."
    )
    advisories_url: str = Field(
        default="",
        description="Source of advisories that is asked about the locked packages of each "
        "candidate, in OSV's form: https://api.osv.dev. Empty: none, and they are not checked.",
    )
    temporal_ui_url: str = Field(default="http://127.0.0.1:8233")
    api_url: str = Field(default="http://127.0.0.1:8000")

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the records database."""
        return self.database_url or f"sqlite:///{self.state_dir.resolve() / 'records.db'}"

    @property
    def blobs(self) -> str:
        """fsspec URL under which blobs are kept by their SHA-256."""
        return self.blob_url or f"file://{self.state_dir.resolve() / 'blobs'}"

    @property
    def requests(self) -> str:
        """fsspec URL under which requests are logged."""
        return self.request_log_url or f"file://{self.state_dir.resolve() / 'requests'}"

    @property
    def policy_bundles(self) -> Path:
        """Every policy bundle that was ever in force, by digest."""
        return self.state_dir / "policies"

    @property
    def tokens(self) -> Path:
        """The file that holds the bearer tokens (mode 0600)."""
        return self.tokens_file or self.state_dir / "tokens.json"

    @property
    def channels_file(self) -> Path | None:
        """The file that holds the channels of alerts (mode 0600); none where there is none."""
        usual = self.state_dir / "channels.yaml"
        return self.channels or (usual if usual.exists() else None)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once."""
    return Settings()

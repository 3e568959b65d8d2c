"""The Temporal client of the API and the workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client, Interceptor
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from perennial.contracts.errors import Unavailable
from perennial.contracts.lifecycle import SEARCH_ATTRIBUTES
from perennial.plugin import PerennialPlugin


class TemporalUnavailable(Unavailable):
    """The Temporal server did not answer."""


async def connect(
    *, lazy: bool = False, interceptors: Sequence[Interceptor] = (), runtime: Runtime | None = None
) -> Client:
    """Connect as the standard `TEMPORAL_*` variables say (address, namespace, TLS, API key).

    Args:
        lazy: do not wait for the server; the first call connects.
        interceptors: of the client, and of every worker that is made of it.
        runtime: the SDK's; its usual one unless given.

    Raises:
        TemporalUnavailable: the server does not answer.
    """
    config = ClientConfig.load_client_connect_config()
    address = config.setdefault("target_host", "127.0.0.1:7233")
    try:
        return await Client.connect(
            **config,
            plugins=[PerennialPlugin()],
            interceptors=interceptors,
            runtime=runtime,
            lazy=lazy,
            grpc_compression=compression(address),
        )
    except RuntimeError as error:
        raise TemporalUnavailable(
            f"Temporal does not answer at {address}: {error}; start it with "
            f"`make up`, or set TEMPORAL_ADDRESS"
        ) from error


def compression(address: str) -> GrpcCompression:
    """None to this machine, where packing costs more than the wire; else gzip, as is usual."""
    host = urlsplit(f"//{address}").hostname or ""
    try:
        here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        here = False
    return GrpcCompression.NONE if here else GrpcCompression.GZIP


async def ensure_search_attributes(client: Client) -> None:
    """Add the typed search attributes that are missing.

    The dev server ignores its flag for a namespace that exists already, hence at every start.
    """
    found = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = [name for name in SEARCH_ATTRIBUTES if name not in found.custom_attributes]
    if not missing:
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes={
                    name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for name in missing
                },
            ),
            timeout=timedelta(seconds=10),
        )
    except RPCError as error:
        # another worker added them between our two calls
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise

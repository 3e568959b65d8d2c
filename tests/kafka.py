"""A real Kafka for a check: one node in KRaft mode on ports of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.stack.ports import HOST, free_ports
from tests.servers import until_listening

VERSION = "4.1.0"
_SECONDS = 90
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.perennial</groupId>
  <artifactId>kafka-for-a-check</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


def jars() -> Path:
    """The folder of Kafka's programs, fetched from Maven Central once (5 s).

    Raises:
        RuntimeError: there is no Java or Maven on this machine, or they could not be fetched.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "perennial" / f"kafka-{VERSION}"
    if folder.exists():
        return folder
    for program, package in (("java", "default-jre-headless"), ("mvn", "maven")):
        if shutil.which(program) is None:
            raise RuntimeError(f"this check needs {program}: install the package {package}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent))
    (partial / "pom.xml").write_text(_POM)
    fetch = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={partial}/jars"]
    done = subprocess.run(fetch, cwd=partial, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Kafka could not be fetched:\n{done.stdout}{done.stderr}")
    (partial / "jars").rename(folder)
    shutil.rmtree(partial)
    return folder


@contextmanager
def server(advertised: int, port: int) -> Iterator[int]:
    """A running node; yields a port where it answers as itself.

    Args:
        advertised: the port of a gate: who comes through it is told to come back through it.
        port: where it listens behind that gate.
    """
    classes = f"{jars()}/*"
    folder = Path(tempfile.mkdtemp(prefix="kafka-"))
    direct, controller = free_ports(2)
    properties = folder / "server.properties"
    properties.write_text(
        f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{HOST}:{controller}
listeners=GATE://{HOST}:{port},DIRECT://{HOST}:{direct},CONTROLLER://{HOST}:{controller}
advertised.listeners=GATE://{HOST}:{advertised},DIRECT://{HOST}:{direct}
listener.security.protocol.map=GATE:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=DIRECT
controller.listener.names=CONTROLLER
log.dirs={folder}/data
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
"""
    )
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    java = ["java", "-Xmx512m", "-cp", classes]
    subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)],
        check=True,
        capture_output=True,
    )
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*java, "kafka.Kafka", str(properties)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        until_listening(direct, process, log, _SECONDS)
        yield direct
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

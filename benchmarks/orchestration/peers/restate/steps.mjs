// Restate's own server, and a service written with its TypeScript SDK, over HTTP/2 on loopback.
// Arguments: the folder with node_modules, a folder for the server's data.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttp2 } from "node:http2";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

// The SDK is written for Node 22; this is all that it misses in 20.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

process.env.RESTATE_LOGGING = "ERROR"; // it logs to where the answers go
const [modules, data] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const restate = require("@restatedev/restate-sdk");
const PLATFORM = `${process.platform}-${process.arch}`;
const BINARY = require.resolve(`@restatedev/restate-server-${PLATFORM}/bin/restate-server`);
const HOST = "127.0.0.1";

const steps = restate.service({
  name: "steps",
  handlers: {
    run: async (ctx, count) => {
      let done = 0;
      for (let number = 0; number < count; number++) {
        await ctx.run("no-op", () => number);
        done++;
      }
      return done;
    },
  },
});

async function listen(server) {
  server.listen(0, HOST);
  await once(server, "listening");
  return server.address().port;
}

async function freePort() {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function ready(url, server) {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`restate-server ended: ${server.exitCode}`);
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
}

const endpoint = createHttp2(restate.createEndpointHandler({ services: [steps] }));
const uri = `http://${HOST}:${await listen(endpoint)}`;
const [node, ingress, admin] = [await freePort(), await freePort(), await freePort()];
const server = spawn(BINARY, ["--base-dir", data, "--listen-mode", "tcp", "--no-logo"], {
  stdio: ["ignore", 2, 2],
  env: {
    ...process.env,
    RESTATE_BIND_ADDRESS: `${HOST}:${node}`,
    RESTATE_INGRESS__BIND_ADDRESS: `${HOST}:${ingress}`,
    RESTATE_ADMIN__BIND_ADDRESS: `${HOST}:${admin}`,
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LOG_FILTER: "error",
  },
});

process.once("SIGTERM", () => process.stdin.destroy());

try {
  await ready(`http://${HOST}:${admin}/health`, server);
  await post(`http://${HOST}:${admin}/deployments`, { uri });
  await ready(`http://${HOST}:${ingress}/restate/health`, server);
  process.stdout.write("ready\n");
  for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    const began = performance.now();
    const runs = Array.from({ length: job.workflows }, () =>
      post(`http://${HOST}:${ingress}/steps/run`, job.steps),
    );
    const done = (await Promise.all(runs)).reduce((sum, count) => sum + count, 0);
    const seconds = (performance.now() - began) / 1000;
    if (done !== job.workflows * job.steps) throw new Error(`${line} did ${done} steps`);
    process.stdout.write(`${seconds}\n`);
  }
} finally {
  server.kill();
}
process.exit(0);

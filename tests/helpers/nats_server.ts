/** A real NATS server for tests: Debian's package `nats-server`, installed or unpacked. */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const INSTALLED = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"];
/** Where the package is unpacked when it is not installed. */
const UNPACKED = join(tmpdir(), "silop-nats-server");
const PATIENCE_MS = 20_000;

/**
 * Path of the server's program: where Debian installs it, else as `apt-get download` gets it (once; it is kept
 * in the folder of temporary files). `null`, after a notice, when neither works.
 */
export async function findNatsServer(): Promise<string | null> {
  const unpacked = join(UNPACKED, "usr", "sbin", "nats-server");
  const found = [...INSTALLED, unpacked].find((path) => existsSync(path));
  if (found !== undefined) return found;
  try {
    await unpack();
    return unpacked;
  } catch (error) {
    console.error(`There is no nats-server, tests of the queue are left out: ${error}`);
    return null;
  }
}

async function unpack(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "silop-nats-"));
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const call = async (program: string, ...args: string[]) => {
    const command = new Deno.Command(program, { args, cwd: folder, signal, stderr: "piped" });
    const { success, stderr } = await command.output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  try {
    await call("apt-get", "download", "nats-server");
    const [file] = (await readdir(folder)).filter((name) => name.endsWith(".deb"));
    await mkdir(join(folder, "unpacked"));
    await call("dpkg", "-x", file!, "unpacked");
    await rename(join(folder, "unpacked"), UNPACKED);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A server with JetStream on a port of its own. Disposing ends it. */
export interface NatsServer extends AsyncDisposable {
  readonly address: string;
}

export async function startNatsServer(program: string): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "silop-nats-"));
  const port = await freePort();
  const child = new Deno.Command(program, {
    args: ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", String(port)],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const ready = Promise.withResolvers<void>();
  let told = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      told += text;
      if (told.includes("Server is ready")) ready.resolve();
    }
    ready.reject(new Error(told));
  })();
  await ready.promise;
  return {
    address: `nats://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await reading;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

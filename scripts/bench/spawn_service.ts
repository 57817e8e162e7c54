/** The service in a process of its own, as `deno task start` runs it. */

/** A service that listens. Disposing ends it. */
export interface SpawnedService extends AsyncDisposable {
  readonly url: string;
}

/** Starts it on a free port, with options of `deno task start`. */
export async function spawnService(options: readonly string[] = []): Promise<SpawnedService> {
  const server = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-ffi",
      "--allow-net=127.0.0.1,0.0.0.0,[::1],[::],localhost",
      "--allow-env=SILOP_MODELS",
      "scripts/start.ts",
      "--port=0",
      "--log=none",
      ...options,
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  return {
    url: await addressOf(server.stdout),
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await server.status;
    },
  };
}

/** Reads a service's output until it tells its address. */
async function addressOf(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const read = async () => {
    for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      const url = /Ready at (http:\S+)/.exec(text)?.[1];
      if (url !== undefined) resolve(url);
    }
    reject(new Error(`The service did not start: ${text}`));
  };
  // What comes after the address is read as well, so that the service can write it.
  void read();
  return await promise;
}

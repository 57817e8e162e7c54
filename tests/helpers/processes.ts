/** The project's commands, run as its users run them. */

/** The folder of the project, with a slash at its end. */
export const ROOT = new URL("../../", import.meta.url);

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deno task NAME ARGS…` to its end, with the permissions the task has. */
export async function runTask(name: string, args: readonly string[]): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", name, ...args],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A server process that has said where it listens. Disposing ends it. */
export interface RunningServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Sends a signal and waits for the end. */
  end(signal: Deno.Signal): Promise<Ended>;
}

/**
 * Starts `deno ARGS…` and waits until its output tells an address.
 *
 * @param announcement Matches it; its first group is the address.
 * @param env More variables of its environment.
 */
export async function startServer(
  args: readonly string[],
  announcement: RegExp,
  env: Record<string, string> = {},
): Promise<RunningServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  const output = { stdout: "", stderr: "" };
  const { promise: announced, resolve, reject } = Promise.withResolvers<string>();
  const collect = async (name: keyof typeof output) => {
    for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
      output[name] += text;
      const url = announcement.exec(output[name])?.[1];
      if (url !== undefined) resolve(url);
    }
  };
  const ended = Promise.all([collect("stdout"), collect("stderr"), child.status])
    .then(([, , { code }]): Ended => {
      reject(new Error(`deno ${args.join(" ")} ended: ${output.stderr}`));
      return { code, ...output };
    });
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
    return await ended;
  };
  return {
    url: await announced,
    pid: child.pid,
    end,
    [Symbol.asyncDispose]: async () => void await end("SIGKILL"),
  };
}

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CAT = join(ROOT, "examples/cat.jpg");

/**
 * Segments a photo by workers, or opens a session in the main thread, or one that nothing was said before,
 * and lives a second longer, since the telemetry writes its files from a thread of its own.
 */
const PROGRAM = `
const [how] = Deno.args;
if (how === "workers") {
  const { createSilop } = await import("${ROOT}core/silop.ts");
  using silop = createSilop({ device: "cpu", workers: 1, threads: 1 });
  await silop.segment(await Deno.readFile("${CAT}"), { scales: [0.2] });
} else if (how === "session") {
  const { probeBlockSize } = await import("${ROOT}core/onnx/block_size.ts");
  await probeBlockSize();
} else {
  const { InferenceSession } = await import("onnxruntime-node");
  const model = "${ROOT}models/affinity_efficientnet_lite0.onnx";
  await InferenceSession.create(await Deno.readFile(model));
}
await new Promise((resolve) => setTimeout(resolve, 1000));
console.log("done");
`;

/** What starts a program that sees no network, where users may do that. */
const OFFLINE = ["unshare", "-rn"];

async function canGoOffline(): Promise<boolean> {
  const [command, ...args] = OFFLINE;
  try {
    return (await new Deno.Command(command!, { args: [...args, "true"] }).output()).success;
  } catch {
    return false;
  }
}

// Elsewhere the telemetry keeps its files in other places.
const onLinux = Deno.build.os === "linux";
const offline = onLinux && await canGoOffline();
if (onLinux && !offline) {
  console.log("The telemetry is not watched where nothing turns it off: it could reach its makers");
}

/** Files that a program leaves in a home folder of its own. */
async function filesLeft(how: string): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), "silop-home-"));
  try {
    const cache = Deno.env.get("DENO_DIR") ?? join(Deno.env.get("HOME") ?? "", ".cache/deno");
    const [command, ...before] = offline ? [...OFFLINE, Deno.execPath()] : [Deno.execPath()];
    const child = new Deno.Command(command!, {
      args: [
        ...before,
        ...["run", "--no-check", "--no-prompt", "--allow-read", "--allow-ffi"],
        ...["--config", join(ROOT, "deno.json"), "-", how],
      ],
      // Nothing that turns the telemetry off by itself, as the variables of test machines do.
      clearEnv: true,
      env: { HOME: home, DENO_DIR: cache, PATH: Deno.env.get("PATH") ?? "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(PROGRAM));
    await writer.close();
    const { stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.equal(text(stdout), "done\n", text(stderr));
    const entries = await readdir(home, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

Deno.test({
  name: "ONNX Runtime left to itself identifies the machine it runs on",
  ignore: !offline,
  async fn() {
    // The test below would find nothing in any case if this changed.
    assert.ok((await filesLeft("alone")).includes("deviceid"));
  },
});

Deno.test({
  name:
    "disableTelemetry() keeps ONNX Runtime from identifying this machine, with no right to the environment",
  ignore: !onLinux,
  async fn() {
    assert.deepEqual(await filesLeft("session"), []);
    assert.deepEqual(await filesLeft("workers"), []);
  },
});

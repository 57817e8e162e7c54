import assert from "node:assert/strict";
import process from "node:process";
import { createApp } from "../../functions/app.ts";
import { openTinySilop } from "../helpers/tiny_silop.ts";

const PROGRAM = process.env.SCHEMATHESIS ?? "schemathesis";
const FOLDER = new URL("schemathesis/", import.meta.url).pathname;

async function isInstalled(program: string): Promise<boolean> {
  const command = new Deno.Command(program, {
    args: ["--version"],
    stdout: "null",
    stderr: "null",
  });
  try {
    return (await command.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "schemathesis finds nothing that is not as /openapi.json says",
  // Installed by `pip install schemathesis`, and found in the path or by the variable SCHEMATHESIS.
  ignore: !(await isInstalled(PROGRAM)),
  sanitizeOps: false,
  async fn() {
    const silop = await openTinySilop();
    const logged: unknown[] = [];
    const logger = { error: (message: string, error: unknown) => logged.push(message, error) };
    using app = createApp({ silop, logger });
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
    const scratch = await Deno.makeTempDir();
    try {
      const { code, stdout } = await new Deno.Command(PROGRAM, {
        args: [
          `--config-file=${FOLDER}schemathesis.toml`,
          "run",
          `http://127.0.0.1:${server.addr.port}/openapi.json`,
          "--checks=all",
          "--phases=examples,coverage,fuzzing",
          "--max-examples=10",
          "--seed=1",
          "--no-shrink",
          "--continue-on-failure",
        ],
        env: {
          SCHEMATHESIS_HOOKS: "images",
          PYTHONPATH: FOLDER,
          PYTHONDONTWRITEBYTECODE: "1",
          NO_COLOR: "1",
        },
        cwd: scratch,
        stderr: "inherit",
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stdout));
      assert.deepEqual(logged, []);
    } finally {
      await server.shutdown();
      await Deno.remove(scratch, { recursive: true });
    }
  },
});

import assert from "node:assert/strict";
import { CAT } from "../helpers/photos.ts";
import { startServer } from "../helpers/processes.ts";

/** The stages, with what makes each quick. */
const STAGES = {
  cam: "working-size=128",
  segment: "working-size=128",
  perimeter: "working-size=64&iterations=2",
  refine: "working-size=64&iterations=2",
};

for (const [stage, quick] of Object.entries(STAGES)) {
  Deno.test(`functions/${stage}.ts serves alone with deno serve and --allow-read --allow-ffi`, async () => {
    await using server = await startServer([
      "serve",
      "--no-prompt",
      "--allow-read",
      "--allow-ffi",
      "--host=127.0.0.1",
      "--port=0",
      `functions/${stage}.ts`,
    ], /Listening on (http:\S+?)\/?\s/);
    const response = await fetch(`${server.url}/${stage}?format=png&${quick}`, {
      method: "POST",
      body: CAT,
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("Content-Type"), "image/png");
    await response.body!.cancel();
  });
}

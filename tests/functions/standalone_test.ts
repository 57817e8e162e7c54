import assert from "node:assert/strict";
import { camRoutes } from "../../functions/cam.ts";
import { standalone } from "../../functions/standalone.ts";
import { CAT } from "../helpers/photos.ts";
import { makeModelFolder } from "../helpers/tiny_model.ts";

Deno.test({
  name: "standalone() loads the models at the first request when it is not eager",
  // The workers live as long as the handler, which has no end.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using folder = await makeModelFolder();
    const workers: Worker[] = [];
    const { Worker } = globalThis;
    globalThis.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        workers.push(this);
      }
    };
    try {
      const handler = standalone(camRoutes, false, {
        models: folder.url,
        device: "cpu",
        workers: 1,
      });
      assert.equal(workers.length, 0);
      const request = new Request("http://localhost/cam", { method: "POST", body: CAT });
      assert.equal((await handler.fetch(request)).status, 200);
      assert.equal(workers.length, 1);
      const health = await handler.fetch(new Request("http://localhost/health/ready"));
      assert.equal(health.status, 200);
      const missing = await handler.fetch(new Request("http://localhost/segment"));
      assert.equal(missing.status, 404);
      assert.equal(missing.headers.get("Content-Type"), "application/problem+json");
    } finally {
      globalThis.Worker = Worker;
      for (const worker of workers) worker.terminate();
    }
  },
});

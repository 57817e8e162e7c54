/** A worker of a `SampleLoader`. */

import { serveJobs } from "../../runtime/serve_jobs.ts";
import {
  type BatchRequest,
  type BatchSetup,
  prepareBatch,
  type PreparedBatch,
} from "./prepare_batch.ts";

let setup: BatchSetup;

serveJobs<BatchSetup, BatchRequest, object, PreparedBatch>({
  setUp(given) {
    setup = given;
    return Promise.resolve({});
  },
  run: (request) => prepareBatch(request, setup),
});

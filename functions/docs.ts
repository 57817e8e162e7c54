/**
 * `GET /openapi.json`, the description of all routes, and `GET /docs`, a page to read and try it. The page's
 * script and style come from here as well: it works where there is no internet.
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Context } from "hono";
import { addRoute, createRoutes, problems, type Routes } from "./contract/routes.ts";
import { isKnown } from "./entity_tag.ts";
import { allowOnly, type Logger, makeProblem, problemHandler, sendProblem } from "./problem.ts";

/** Version of the routes, as `info.version` of the document. */
export const API_VERSION = "1.0.0";

const DESCRIPTION = "Semantic segmentation learnt from image-level labels, sharpened by " +
  "perimeters. Post a photo to a stage; the answer's form is chosen by `format` or by `Accept`. " +
  "Errors are problem documents (RFC 9457).";

/** The page: all it needs is beside it. */
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>silop: API reference</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<main id="reference"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
`;
const START = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  validatorUrl: null,
});
`;
/** Nothing but this origin; the page writes styles into its elements. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";

/** The answer to those who bear no token. */
const UNAUTHORIZED = {
  description: "A token is missing, or not the right one",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

const ASSETS: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
};

/**
 * The routes of the document and its page.
 *
 * @param documented The app that the document describes.
 * @param options.secured Whether its routes want a token. Default: `false`.
 */
export function docsRoutes(
  documented: Routes,
  { logger = console, secured = false }: { logger?: Logger; secured?: boolean } = {},
): Routes {
  const app = createRoutes();
  app.onError(problemHandler(logger));
  const documents = new Map<string, string>();
  addRoute(app, {
    method: "get",
    path: "/openapi.json",
    operationId: "openapi",
    tags: ["service"],
    summary: "This description",
    responses: {
      200: {
        description: "An OpenAPI 3.1 document",
        content: { "application/json": { schema: { type: "object" } } },
      },
      ...problems(500),
    },
  }, (c) => {
    const base = c.req.path.slice(0, -"/openapi.json".length);
    let text = documents.get(base);
    if (text === undefined) {
      text = JSON.stringify(describe(documented, base, secured));
      // Whoever mounts the app decides where; a few places at most.
      if (documents.size < 8) documents.set(base, text);
    }
    return send(c, text, "application/json");
  });
  addRoute(app, {
    method: "get",
    path: "/docs",
    operationId: "docs",
    tags: ["service"],
    summary: "This description as a page",
    responses: { 200: { description: "A page", content: { "text/html": {} } }, ...problems(500) },
  }, (c) => {
    c.header("Content-Security-Policy", POLICY);
    return send(c, PAGE, "text/html; charset=utf-8");
  });
  app.get("/docs/start.js", (c) => send(c, START, "text/javascript; charset=utf-8"));
  app.get("/docs/:file", async (c) => {
    const file = c.req.param("file");
    const type = Object.hasOwn(ASSETS, file) ? ASSETS[file] : undefined;
    if (type === undefined) {
      return sendProblem(makeProblem("not-found", `There is nothing at ${c.req.path}`));
    }
    return await sendAsset(c, file, type);
  });
  for (const path of ["/openapi.json", "/docs", "/docs/:file"]) {
    app.all(path, allowOnly("GET", "HEAD"));
  }
  return app;
}

/** The document of an app that is mounted at `base`, and whose routes may want a token. */
function describe(documented: Routes, base: string, secured: boolean): Record<string, unknown> {
  // Paths are told without what they are mounted under, which servers tell.
  const document = documented.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "silop",
      version: API_VERSION,
      description: DESCRIPTION,
      license: { name: "MIT" },
    },
    servers: [{ url: base === "" ? "/" : base }],
    tags: [
      { name: "stages", description: "From a photo to a mask" },
      { name: "service", description: "About the service itself" },
    ],
  });
  const { webhooks: _, ...rest } = document;
  const within = (path: string) => path.startsWith(`${base}/`) ? path.slice(base.length) : path;
  const paths = Object.entries(document.paths ?? {}).map(([path, item]) => [within(path), item]);
  if (!secured) return { ...rest, paths: Object.fromEntries(paths) };
  const securitySchemes = { bearer: { type: "http", scheme: "bearer" } };
  return {
    ...rest,
    components: { ...rest.components, securitySchemes },
    paths: Object.fromEntries(
      paths.map(([path, item]) => [path, isOpen(path as string) ? item : secure(item as object)]),
    ),
  };
}

/** Whether a route is open to those without a token, as those are who look whether the process is well. */
function isOpen(path: string): boolean {
  return path.startsWith("/health/");
}

/** A path's operations, with the token they want. */
function secure(item: object): object {
  const operations = Object.entries(item as Record<string, { responses: object }>);
  const security = [{ bearer: [] }];
  return Object.fromEntries(operations.map(([method, operation]) => [
    method,
    { ...operation, security, responses: { ...operation.responses, 401: UNAUTHORIZED } },
  ]));
}

/** Reads a file from where `deno task pack` and `slim` put it, or from its package. */
async function readAsset(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const own = new URL(`./swagger/${file}`, import.meta.url);
  if (existsSync(own)) return new Uint8Array(await readFile(own));
  const specifier = `swagger-ui-dist/${file}`;
  const resolved = import.meta.resolve(specifier);
  const path = resolved.startsWith("file:")
    ? new URL(resolved)
    : createRequire(import.meta.url).resolve(specifier);
  return new Uint8Array(await readFile(path));
}

/** What answers tell of a body. */
interface Facts {
  readonly tag: string;
  readonly bytes: number;
}

/** Those of the files, which do not change while the process lives: told without reading them again. */
const assetFacts = new Map<string, Facts>();

/** Sends a file; what the answer does not hold is read once, for its tag. */
async function sendAsset(c: Context, file: string, type: string): Promise<Response> {
  const known = assetFacts.get(file);
  const needed = known === undefined || (c.req.method !== "HEAD" && !isKnown(c, known.tag));
  const body = needed ? await readAsset(file) : null;
  const facts = known ?? factsOf(body!);
  assetFacts.set(file, facts);
  return answer(c, body, facts, type, "public, max-age=3600");
}

/** Sends a text. */
function send(c: Context, text: string, type: string): Response {
  const body = new TextEncoder().encode(text);
  return answer(c, body, factsOf(body), type, "no-cache");
}

function factsOf(body: Uint8Array<ArrayBuffer>): Facts {
  const digest = createHash("sha256").update(body).digest("base64url");
  return { tag: `"${digest.slice(0, 16)}"`, bytes: body.length };
}

/**
 * Answers with a body and its `ETag`, or that it is the one already known.
 *
 * @param body May be `null` where the answer has none.
 */
function answer(
  c: Context,
  body: Uint8Array<ArrayBuffer> | null,
  { tag, bytes }: Facts,
  type: string,
  caching: string,
): Response {
  c.header("ETag", tag);
  c.header("Cache-Control", caching);
  c.header("X-Content-Type-Options", "nosniff");
  if (isKnown(c, tag)) return c.body(null, 304);
  const headers = { "Content-Type": type, "Content-Length": String(bytes) };
  return body === null ? c.body(null, 200, headers) : c.body(body, 200, headers);
}

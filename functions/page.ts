/**
 * The demo page: `GET /` for browsers, its files under `/page/`. It needs nothing from elsewhere, and
 * its policy lets it load nothing from elsewhere.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { parseAccept } from "hono/utils/accept";
import { METHOD_CHOICES } from "../core/stages/perimeter_choices.ts";
import { SEGMENT_MODES } from "../core/stages/refine_choices.ts";
import { colorOf, modelLegend } from "../core/runtime/legend.ts";
import type { CamModelInfo, SegmentationModelInfo } from "../core/runtime/models.ts";
import type { Silop } from "../core/silop.ts";
import { allowOnly, makeProblem, problemHandler, sendProblem } from "./problem.ts";
import type { RouteOptions } from "./stage.ts";

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** The files under `/page/`: media type, and where a file is that does not lie in `page/`. */
const FILES: Readonly<Record<string, readonly [type: string, path?: string]>> = {
  "style.css": ["text/css; charset=utf-8"],
  "app.js": [SCRIPT],
  "colours.js": [SCRIPT],
  "draw.js": [SCRIPT],
  "npz.js": [SCRIPT],
  "offline.js": [SCRIPT],
  "panels.js": [SCRIPT],
  "png.js": [SCRIPT],
  "request.js": [SCRIPT],
  "result.js": [SCRIPT],
  "icon.svg": ["image/svg+xml"],
  "manifest.webmanifest": ["application/manifest+json"],
  "example.jpg": ["image/jpeg", "../examples/cat.jpg"],
};

/** Photos and results are blobs; all else is of this origin. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A file in memory. */
interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
}

/** What the page has to know of a model to show its results. */
export interface PageLegend {
  /** Names of the classes 1, 2, … of masks and maps. */
  readonly classes: readonly string[];
  /** Colours `[r, g, b]` of the labels 0, 1, …; `null` where the model has none of its own. */
  readonly colors: readonly (readonly number[])[] | null;
}

/** What the page asks about the service before anything is sent. */
export interface PageInfo {
  /** Of the CAM model; without names where the models cannot be loaded. */
  readonly cam: PageLegend;
  /** Of the segmentation network; without names where there is none. */
  readonly fast: PageLegend;
  /** The modes of segmentation there are models for. */
  readonly modes: readonly string[];
  readonly defaultMode: string;
  readonly methods: readonly string[];
  /** Largest image, in bytes. */
  readonly maxBytes: number;
}

/**
 * The routes of the page. `GET /` is left to whoever comes next unless `Accept` prefers HTML to JSON,
 * as browsers do.
 */
export function pageRoutes(silop: Silop, options: RouteOptions = {}): Hono {
  const { logger = console } = options;
  const assets = new Map<string, Promise<Asset>>();
  const read = (key: string, path: string, type: string): Promise<Asset> => {
    const known = assets.get(key);
    if (known !== undefined) return known;
    const asset = readFile(new URL(path, import.meta.url))
      .then((bytes) => makeAsset(bytes as Uint8Array<ArrayBuffer>, type));
    assets.set(key, asset);
    // A file that could not be read may be there the next time.
    asset.catch(() => assets.delete(key));
    return asset;
  };

  const app = new Hono();
  app.onError(problemHandler(logger));
  const page: MiddlewareHandler = async (c, next) => {
    c.header("Vary", "Accept", { append: true });
    if (!prefersHtml(c.req.header("Accept"))) return await next();
    const { body } = await read("", "./page/index.html", HTML);
    const text = new TextDecoder().decode(body)
      .replace('<base href="./">', `<base href="${pageBase(c.req.url)}">`);
    c.header("Content-Security-Policy", POLICY);
    c.header("Referrer-Policy", "no-referrer");
    return send(c, makeAsset(new TextEncoder().encode(text), HTML));
  };
  app.get("/", page);
  app.get("/page/info.json", async (c) => {
    const info = await describe(silop);
    return send(c, makeAsset(new TextEncoder().encode(JSON.stringify(info)), "application/json"));
  });
  app.get("/page/:file", async (c) => {
    const name = c.req.param("file");
    const file = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
    if (file === undefined) {
      return sendProblem(makeProblem("not-found", `There is nothing at ${c.req.path}`));
    }
    const [type, path = `./page/${name}`] = file;
    // The worker serves the page, which lies a folder above its script.
    if (name === "offline.js") c.header("Service-Worker-Allowed", "../");
    return send(c, await read(name, path, type));
  });
  app.all("/page/:file", allowOnly("GET", "HEAD"));
  return app;
}

/**
 * The folder the page's addresses are relative to, as seen from its own address: an app mounted at
 * `/vision` is asked for `/vision`, whose last part browsers leave out.
 */
function pageBase(url: string): string {
  const last = new URL(url).pathname.split("/").at(-1)!;
  return last === "" ? "./" : `./${last.replaceAll(/[^\w.~%-]/g, encodeURIComponent)}/`;
}

/** Whether a client would rather have a page than JSON; one that does not care gets JSON. */
function prefersHtml(accept: string | undefined): boolean {
  const quality = (type: string) =>
    parseAccept(accept ?? "").find((range) => range.type.toLowerCase() === type)?.q;
  const html = quality("text/html") ?? 0;
  return html > 0 && html >= (quality("application/json") ?? 0);
}

async function describe({ ready, limits }: Silop): Promise<PageInfo> {
  // Why models cannot be loaded is told by the first photo that is sent.
  const models = await ready.catch(() => null);
  const segmenter = models?.segmentationModel;
  return {
    cam: legendOf(models?.camModel),
    fast: legendOf(segmenter),
    modes: SEGMENT_MODES.filter((mode) => mode !== "fast" || segmenter !== undefined),
    defaultMode: models?.segmentationFirst ? "fast" : "cam",
    methods: METHOD_CHOICES,
    maxBytes: limits.maxBytes,
  };
}

function legendOf(model: CamModelInfo | SegmentationModelInfo | undefined): PageLegend {
  if (model === undefined) return { classes: [], colors: null };
  const { names: classes, palette } = modelLegend(model);
  if (model.colors === undefined) return { classes, colors: null };
  const colors = Array.from({ length: classes.length + 1 }, (_, label) => colorOf(palette, label));
  return { classes, colors };
}

function makeAsset(body: Uint8Array<ArrayBuffer>, type: string): Asset {
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 16);
  return { body, type, etag: `"${digest}"` };
}

/** Sends a file, or that it is the one the client has. */
function send(c: Context, { body, type, etag }: Asset): Response {
  c.header("ETag", etag);
  c.header("Cache-Control", "no-cache");
  c.header("X-Content-Type-Options", "nosniff");
  const known = c.req.header("If-None-Match")?.split(",")
    .some((tag) => tag.trim().replace(/^W\//, "") === etag);
  if (known) return c.body(null, 304);
  return c.body(body, 200, { "Content-Type": type });
}

/** Who may ask, how often, and from which pages. */

import type { Context, Hono, MiddlewareHandler } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";
import { MemoryStore, rateLimiter } from "hono-rate-limiter";
import { ProblemError } from "./problem.ts";

/** Options of {@linkcode createGuards}. */
export interface SecurityOptions {
  /**
   * Tokens one of which every request must bear, as `Authorization: Bearer TOKEN`, but those about health
   * and for the demo page, which asks its visitor for one. Default: none is needed.
   */
  auth?: { readonly tokens: readonly string[] };
  /** Origins whose pages may ask, `"*"`: all. Default: pages of this origin only. */
  cors?: { readonly origins: readonly string[] };
  /** How many posts a client may send in some time. Default: any number. */
  rateLimit?: { readonly limit: number; readonly windowMs?: number };
  /**
   * Whether the last address in `X-Forwarded-For` is the client's: only behind a proxy that writes it.
   * Default: `false`.
   */
  trustProxy?: boolean;
}

/** Middleware for all routes, and what it holds. */
export interface Guards {
  readonly middleware: readonly MiddlewareHandler[];
  close(): void;
}

const RATE_WINDOW_MS = 60_000;

/** Makes the middleware that the options ask for. Security headers are always set. */
export function createGuards(options: SecurityOptions = {}): Guards {
  const { auth, cors: allowed, rateLimit, trustProxy = false } = options;
  const middleware: MiddlewareHandler[] = [
    secureHeaders({
      // For whoever ends TLS to tell.
      strictTransportSecurity: false,
      ...(allowed ? { crossOriginResourcePolicy: "cross-origin" } : {}),
    }),
  ];
  if (allowed) {
    const { origins } = allowed;
    middleware.push(cors({
      origin: origins.includes("*") ? "*" : [...origins],
      allowHeaders: ["Authorization", "Content-Type", "If-None-Match", "Prefer"],
      exposeHeaders: [
        "Content-Disposition",
        "ETag",
        "Location",
        "Retry-After",
        "Server-Timing",
        "X-Request-Id",
      ],
      maxAge: 600,
    }));
  }
  if (auth) {
    if (auth.tokens.length === 0 || !auth.tokens.every((token) => BEARER_TOKEN.test(token))) {
      throw new RangeError(
        "auth.tokens must be some tokens of letters, digits and -._~+/, with = at the end at most",
      );
    }
    middleware.push(guard([...auth.tokens]));
  }
  if (rateLimit === undefined) return { middleware, close: () => {} };

  const store = new MemoryStore();
  const limiter = rateLimiter({
    store,
    limit: rateLimit.limit,
    windowMs: rateLimit.windowMs ?? RATE_WINDOW_MS,
    keyGenerator: (c) => clientOf(c, trustProxy),
    skip: (c) => c.req.method !== "POST",
    handler: (c) => {
      const headers: Record<string, string> = {};
      for (const name of ["Retry-After", "RateLimit-Limit", "RateLimit-Reset"]) {
        const value = c.res.headers.get(name);
        if (value !== null) headers[name] = value;
      }
      throw new ProblemError("rate-limited", `The limit is ${rateLimit.limit} requests`, headers);
    },
  });
  return { middleware: [...middleware, limiter], close: () => store.shutdown() };
}

/** Requests for routes that are open to all. */
const openRequests = new WeakSet<Request>();

const markOpen: MiddlewareHandler = async (c, next) => {
  openRequests.add(c.req.raw);
  await next();
};

/** Lets everybody ask for some routes, whatever token others need; to be called before they are mounted. */
export function openToAll(app: Hono, routes: Hono): void {
  for (const path of new Set(routes.routes.map((route) => route.path))) app.use(path, markOpen);
}

/** What a header can carry for a token (RFC 6750); others would never be recognised. */
const BEARER_TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

function guard(tokens: string[]): MiddlewareHandler {
  const check = bearerAuth({ token: tokens });
  return async (c, next) => {
    // Those who look whether the process is well have no token; browsers ask without one first.
    if (
      c.req.method === "OPTIONS" || openRequests.has(c.req.raw) ||
      /\/health\/(live|ready)$/.test(c.req.path)
    ) {
      return await next();
    }
    return await check(c, next);
  };
}

/** The address of a client as the server tells it; `unknown` where it does not. */
export function clientOf(c: Context, trustProxy = false): string {
  if (trustProxy) {
    const last = c.req.header("X-Forwarded-For")?.split(",").at(-1)?.trim();
    if (last) return last;
  }
  // What `Deno.serve()` and `@hono/node-server` hand to a fetch handler.
  const { remoteAddr, incoming } = (c.env ?? {}) as {
    remoteAddr?: { hostname?: string };
    incoming?: { socket?: { remoteAddress?: string } };
  };
  return remoteAddr?.hostname ?? incoming?.socket?.remoteAddress ?? "unknown";
}

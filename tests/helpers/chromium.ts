/** Finds a Chromium to test pages in: one that is installed, else npm's build for servers. */

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { env } from "node:process";
import { Browser } from "./devtools.ts";

const NAMES = [
  "chromium-headless-shell",
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
];
/** For x64 Linux, of some 70 MB. */
const PACKAGE = "npm:@sparticuz/chromium@153.0.0";
/** Unpacks it and tells where it is. With this variable set it brings the libraries that lean machines lack. */
const UNPACK = `
  process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs22.x";
  const { default: chromium } = await import("${PACKAGE}");
  const path = await chromium.executablePath();
  const { LD_LIBRARY_PATH, FONTCONFIG_PATH } = process.env;
  console.log(JSON.stringify({ path, env: { LD_LIBRARY_PATH, FONTCONFIG_PATH } }));
`;

/**
 * Starts a browser: `$SILOP_CHROMIUM`, or one on the path, or the package's. `null`, after a notice, where
 * none can be had.
 */
export async function launchChromium(): Promise<Browser | null> {
  const folders = (env.PATH ?? "").split(":");
  const installed = NAMES.flatMap((name) => folders.map((folder) => `${folder}/${name}`));
  const paths = [...env.SILOP_CHROMIUM ? [env.SILOP_CHROMIUM] : [], ...installed];
  const path = paths.find((it) => existsSync(it));
  const failures: string[] = [];
  try {
    if (path !== undefined) return await Browser.launch(path);
  } catch (error) {
    failures.push((error as Error).message);
  }
  try {
    return await launchPackage();
  } catch (error) {
    failures.push((error as Error).message);
  }
  console.log(`No Chromium can be had, the page is not tested: ${failures.join("; ")}`);
  return null;
}

async function launchPackage(): Promise<Browser> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    throw new Error(`${PACKAGE} is for x64 Linux`);
  }
  const { path, env } = JSON.parse(await evaluateApart(UNPACK));
  return await Browser.launch(path, env);
}

/**
 * What a module prints that needs packages for tests alone. In the import map, they would be fetched by
 * everybody who runs anything of this project.
 */
export async function evaluateApart(code: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-config",
      "--no-lock",
      "--quiet",
      `import process from "node:process";${code}`,
    ],
    stdin: "null",
    cwd: tmpdir(),
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim().split("\n")[0]);
  return new TextDecoder().decode(stdout);
}

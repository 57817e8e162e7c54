/**
 * `deno task test`: formatting, lint, types, the unit tests, those that run the tasks as their users do,
 * and the slow ones, one after another, and a closing line that sums them up: `N passed, N failed,
 * N skipped`.
 *
 * `deno task test unit`, `deno task test tasks` and `deno task test slow` run one group of tests alone.
 */

const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-ffi",
  "--allow-env",
  "--allow-sys",
  "--allow-net",
  "--allow-run",
];

const CHECKS: readonly (readonly string[])[] = [["fmt", "--check"], ["lint"], ["check"]];
// Types are checked once, above: the compiler's memory would count among that of the tests.
const GROUPS = {
  unit: [
    "test",
    "--no-check",
    "--parallel",
    ...PERMISSIONS,
    "--ignore=tests/scripts,tests/slow",
    "tests",
  ],
  // Most of them start processes.
  tasks: ["test", "--no-check", "--parallel", ...PERMISSIONS, "tests/scripts"],
  slow: ["test", "--no-check", ...PERMISSIONS, "tests/slow"],
} as const;

/** The most characters of a run's failures that are shown again at the end. */
const MOST_TOLD = 6000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs Deno, shows its output as it comes, and returns it, without colours, with the exit code. */
async function deno(args: readonly string[]): Promise<{ code: number; output: string }> {
  console.log(`\n> deno ${args.join(" ")}`);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    // Some tests create sessions of ONNX Runtime by themselves.
    env: { ORT_DISABLE_TELEMETRY: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const show = async (stream: ReadableStream<Uint8Array>, to: typeof Deno.stdout) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output += decoder.decode(chunk, { stream: true });
      await to.write(chunk);
    }
  };
  await Promise.all([show(child.stdout, Deno.stdout), show(child.stderr, Deno.stderr)]);
  // deno-lint-ignore no-control-regex
  return { code: (await child.status).code, output: output.replace(/\x1b\[[0-9;]*m/g, "") };
}

/** The numbers of `deno test`'s closing line, or `null` when it did not come to one. */
function readSummary(plain: string): Counts | null {
  const lines = [...plain.matchAll(
    /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/gm,
  )];
  const last = lines.at(-1);
  if (last === undefined) return null;
  return { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3] ?? 0) };
}

/**
 * What a run that failed says of it: from the heading of the errors on, or its last lines when it has no
 * such part.
 */
function readFailures(plain: string): string {
  const heading = plain.lastIndexOf("\n ERRORS \n");
  return heading >= 0 ? plain.slice(heading + 1) : plain.slice(-MOST_TOLD);
}

/** The beginning and the end of a long text: in the end are the names of all that failed. */
function abridge(text: string): string {
  if (text.length <= MOST_TOLD) return text;
  return `${text.slice(0, MOST_TOLD / 2)}\n[…]\n${text.slice(-MOST_TOLD / 2)}`;
}

const wanted = Deno.args[0];
if (wanted !== undefined && !Object.hasOwn(GROUPS, wanted)) {
  console.error(`Unknown group of tests "${wanted}"; there are: ${Object.keys(GROUPS).join(", ")}`);
  Deno.exit(2);
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];
if (wanted === undefined) {
  for (const check of CHECKS) {
    const { code, output } = await deno(check);
    total[code === 0 ? "passed" : "failed"]++;
    if (code !== 0) failures.push(`deno ${check.join(" ")}\n${readFailures(output)}`);
  }
}
for (const [name, args] of Object.entries(GROUPS)) {
  if (wanted !== undefined && wanted !== name) continue;
  const { code, output } = await deno(args);
  const counts = readSummary(output) ?? { passed: 0, failed: 0, skipped: 0 };
  // A run that broke off, or failed outside any test, counts as one failure.
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
  if (code !== 0) failures.push(`deno task test ${name}\n${readFailures(output)}`);
}
// Once more at the end, where they are found without looking through all that went well.
for (const failure of failures) console.log(`\nFailed: ${abridge(failure).trimEnd()}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
Deno.exit(total.failed === 0 ? 0 : 1);

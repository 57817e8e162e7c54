import assert from "node:assert/strict";
import { Command } from "commander";
import { z } from "zod";
import { addSchemaOptions, readSchemaOptions } from "../../../scripts/voc/schema_flags.ts";

const SCHEMA = z.strictObject({
  rule: z.enum(["all", "some"]).default("all").describe("which"),
  mirror: z.boolean().default(true).describe("look twice"),
  minLabels: z.int().min(1).max(32).default(20).describe("fewest"),
  certainty: z.number().gt(0).lt(1).default(0.7).describe("how sure"),
  scales: z.array(z.number().min(0.1).max(4)).optional().describe("sizes"),
});
const DEFAULTS = { rule: "all", mirror: true, minLabels: 20, certainty: 0.7 };

function parse(args: readonly string[], prefix = "") {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  addSchemaOptions(command, SCHEMA, prefix);
  command.parse(args, { from: "user" });
  return readSchemaOptions(command.opts(), SCHEMA, prefix);
}

Deno.test("addSchemaOptions() and readSchemaOptions() give the schema's defaults", () => {
  assert.deepEqual(parse([]), DEFAULTS);
  assert.deepEqual(parse([], "fit"), DEFAULTS);
});

Deno.test("readSchemaOptions() reads each type of option, with a prefix as well", () => {
  const expected = { rule: "some", mirror: false, minLabels: 3, certainty: 0.9, scales: [0.5, 2] };
  const args = ["rule", "some", "min-labels", "3", "certainty", "0.9", "scales", "0.5,2"];
  const flags = (prefix: string) => args.map((arg, i) => i % 2 === 0 ? `--${prefix}${arg}` : arg);
  assert.deepEqual(parse([...flags(""), "--no-mirror"]), expected);
  assert.deepEqual(parse([...flags("fit-"), "--no-fit-mirror"], "fit"), expected);
});

Deno.test("addSchemaOptions() refuses values out of the schema's range", () => {
  for (
    const args of [
      ["--rule", "none"],
      ["--min-labels", "0"],
      ["--min-labels", "2.5"],
      ["--scales", "0.5,9"],
      ["--certainty", "1.1"],
    ]
  ) assert.throws(() => parse(args), { name: "CommanderError" }, args.join(" "));
});

import assert from "node:assert/strict";
import { DecodeError, LimitError } from "../../../core/errors.ts";
import { PickleGlobal, type PickleHost, readPickle } from "../../../core/weights/pickle.ts";
import { readCheckpoint } from "../../../core/weights/checkpoint.ts";
import {
  bytes,
  global,
  int,
  le32,
  le64,
  MARK,
  type Piece,
  PROTO,
  STOP,
  text,
  zip,
} from "./pickle_bytes.ts";
import { quickest } from "../../helpers/quickest.ts";

const calls: unknown[][] = [];

const host: PickleHost = {
  resolveGlobal: (module, name) => {
    if (`${module}.${name}` === "known.sum") {
      return new PickleGlobal("known.sum", (args) => {
        calls.push([...args]);
        return args.reduce((sum: number, value) => sum + Number(value), 0);
      });
    }
    return module === "known" && name === "Type" ? new PickleGlobal("known.Type") : undefined;
  },
  resolvePersistentId: (id) => ({ id }),
  ignoresState: (value) => value instanceof Map,
  maxOperations: 100_000,
};

function read(...pieces: Piece[]): unknown {
  return readPickle(bytes(PROTO, ...pieces, STOP), 0, host).value;
}

Deno.test("readPickle() reads plain data", () => {
  assert.equal(read("N"), null);
  assert.equal(read(0x88), true);
  assert.equal(read("K", 255), 255);
  assert.equal(read("M", Uint8Array.of(1, 2)), 513);
  assert.equal(read(int(-7)), -7);
  assert.equal(read(0x8a, 0), 0);
  assert.equal(read(0x8a, 1, 0xff), -1);
  assert.equal(read(0x8a, 2, 0, 1), 256);
  assert.equal(read(0x8b, le32(9), new Uint8Array(8), 1), 2n ** 64n);
  assert.equal(read("G", Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0)), 1.5);
  assert.equal(read(text("größe")), "größe");
  assert.equal(read(0x8c, 2, "ab"), "ab");
  assert.equal(read(0x8d, le64(3), "abc"), "abc");
  assert.equal(read("U", 1, 0xe9), "é");
  assert.deepEqual(read("C", 2, "ab"), bytes("ab"));
  assert.deepEqual(read("]", MARK, int(1), int(2), "e", int(3), "a"), [1, 2, 3]);
  assert.deepEqual(read(int(1), int(2), int(3), 0x87), [1, 2, 3]);
  assert.deepEqual(
    read("}", MARK, text("a"), int(1), text("b"), ")", "u"),
    new Map<string, unknown>([["a", 1], ["b", []]]),
  );
  assert.deepEqual(read(MARK, text("a"), int(1), "d"), new Map([["a", 1]]));
  assert.deepEqual(read(text("x"), 0x94, "h", 0, 0x86), ["x", "x"]);
  assert.deepEqual(read(int(4), "2", 0x86), [4, 4]);
  assert.deepEqual(read(MARK, int(1), "1", 0x95, le64(1), "N"), null);
});

Deno.test("readPickle() tells where the pickle ends", () => {
  const two = bytes(PROTO, int(1), STOP, PROTO, int(2), STOP);
  const first = readPickle(two, 0, host);
  assert.deepEqual(first, { value: 1, end: 8 });
  assert.deepEqual(readPickle(two, first.end, host), { value: 2, end: 16 });
});

Deno.test("readPickle() calls listed functions only", () => {
  assert.equal(read(global("known", "sum"), int(1), int(2), 0x86, "R"), 3);
  assert.equal(read(text("known"), text("sum"), 0x93, ")R"), 0);
  calls.length = 0;
  const refused: [Piece[], RegExp][] = [
    [[global("os", "system"), text("true"), 0x85, "R"], /refuses global os\.system$/],
    [[text("os"), text("system"), 0x93, text("true"), 0x85, "R"], /refuses global os\.system$/],
    [[global("builtins", "eval")], /refuses global builtins\.eval$/],
    [[global("__proto__", "constructor")], /refuses global __proto__\.constructor$/],
    [[MARK, text("true"), "ios\nsystem\n"], /refuses global os\.system \(opcode INST\)$/],
    [[MARK, int(1), "iknown\nsum\n"], /refuses global known\.sum \(opcode INST\)$/],
    [[MARK, global("known", "sum"), int(1), "o"], /refuses opcode OBJ$/],
    [[global("known", "sum"), ")", 0x81], /refuses opcode NEWOBJ$/],
    [[global("known", "sum"), ")}", 0x92], /refuses opcode NEWOBJ_EX$/],
    [[0x82, 1], /refuses opcode EXT1$/],
    [[0x83, 1, 0], /refuses opcode EXT2$/],
    [[0x84, le32(1)], /refuses opcode EXT4$/],
    [["Pos.system\n"], /refuses opcode PERSID$/],
    [[0x97], /refuses opcode NEXT_BUFFER$/],
    [[global("known", "Type"), ")R"], /refuses to call known\.Type$/],
    [[text("x"), ")R"], /a call of something that is no function/],
    [[global("known", "sum"), "}R"], /a call of something that is no function/],
  ];
  for (const [pieces, message] of refused) {
    assert.throws(() => read(...pieces), (error) => {
      assert.ok(error instanceof DecodeError && error instanceof SyntaxError);
      assert.match(error.message, /^Cannot read checkpoint: /);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(calls, []);
});

Deno.test("readPickle() writes no properties and touches no prototype", () => {
  const before = Object.getOwnPropertyNames(Object.prototype).length;
  const map = read("}", text("__proto__"), "}", text("polluted"), int(1), "s", "s") as Map<
    string,
    Map<string, number>
  >;
  assert.equal(Object.getPrototypeOf(map), Map.prototype);
  assert.equal(map.get("__proto__")!.get("polluted"), 1);
  const made = read(MARK, text("__proto__"), "]", text("constructor"), int(2), "d");
  assert.equal(Object.getPrototypeOf(made), Map.prototype);
  assert.equal((made as Map<string, number>).get("constructor"), 2);
  // State is dropped where it may come, and refused elsewhere.
  const built = read("}", "}", text("get"), int(1), "s", "b");
  assert.equal((built as Map<string, number>).size, 0);
  assert.deepEqual(Object.keys(built as object), []);
  for (const target of ["]", "N", text("x"), global("known", "sum"), bytes("C", 1, "x")]) {
    assert.throws(
      () => read(target, "}", text("length"), int(2 ** 31 - 1), "s", "b"),
      /refuses to set attributes/,
    );
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(Object.getOwnPropertyNames(Object.prototype).length, before);
});

Deno.test("readPickle() checks the stack, the memo and every type", () => {
  const cases: Piece[][] = [
    [],
    ["0"],
    ["2"],
    ["q\x00"],
    ["h\x00"],
    ["j", le32(0xffffffff)],
    ["t"],
    ["1"],
    [0x85],
    [int(1), 0x86],
    [MARK],
    [int(1), MARK, 0x86],
    ["N", int(1), "a"],
    ["}", int(1), "a"],
    ["]", int(1), int(2), "s"],
    ["}", MARK, int(1), "u"],
    [MARK, int(1), "d"],
    [int(1), int(2), 0x93],
    [0xff],
    [0x80, 6],
    ["I1\n"],
  ];
  for (const pieces of cases) {
    assert.throws(() => read(...pieces), DecodeError, bytes(...pieces).toString());
  }
});

Deno.test("readPickle() believes no length it cannot see", () => {
  const huge = le32(0xffffffff);
  const cases: Piece[][] = [
    ["X", huge],
    ["B", huge],
    ["T", huge],
    [0x8b, huge],
    [0x8d, le64(-1)],
    [0x8e, le64(2n ** 62n)],
    [0x96, le64(2n ** 53n)],
    ["c", "a".repeat(2000)],
    ["K"],
    ["G\x00"],
  ];
  for (const pieces of cases) assert.throws(() => read(...pieces), DecodeError);
});

Deno.test("readPickle() stays quick and small on pickles made to explode", async () => {
  const took = await quickest(2000, readBombs);
  assert.ok(took < 2000, `${took} ms`);
});

function readBombs(): void {
  // Thirty levels of lists that each hold the level below ten times: shared, so small in memory.
  const level = bytes(
    "]q\x00",
    ...new Array(30).fill(bytes("0]", MARK, "h\x00".repeat(10), "eq\x00")),
  );
  assert.ok(Array.isArray(read(level)));
  // Ninety thousand levels deep.
  assert.ok(Array.isArray(read("]", bytes(...new Array(90_000).fill(0x85)))));
  // An integer of two million bytes.
  assert.throws(() => read(0x8b, le32(2_000_000), new Uint8Array(2_000_000).fill(1)), DecodeError);
  // More steps than allowed, most of them dictionaries.
  assert.throws(() => read("}".repeat(200_000)), LimitError);
  assert.throws(() => read(MARK.repeat(200_000)), LimitError);
  // A list of two hundred thousand items is only large.
  const items = readPickle(
    bytes(PROTO, "](", "N".repeat(200_000), "e", STOP),
    0,
    { ...host, maxOperations: 300_000 },
  ).value;
  assert.equal((items as unknown[]).length, 200_000);
}

Deno.test("readCheckpoint() spends no square of time on arguments used again and again", async () => {
  const remembered = bytes(global("collections", "OrderedDict"), "q\x01");
  const pairs = bytes("](", ...new Array(20_000).fill(bytes("NN", 0x86)), "e", 0x85, "q\x02");
  const again = bytes(...new Array(20_000).fill("h\x01h\x02R0"));
  const file = zip({ "a/data.pkl": bytes(PROTO, remembered, pairs, again, "N.") });
  const took = await quickest(2000, () => readCheckpoint(file));
  assert.ok(took < 2000, `${took} ms`);
});

Deno.test("readCheckpoint() refuses what PyTorch's own loader would run", () => {
  const names = [
    ["os", "system"],
    ["posix", "system"],
    ["builtins", "exec"],
    ["__builtin__", "getattr"],
    ["torch", "load"],
    ["torch.storage", "_load_from_bytes"],
    ["torch.hub", "load"],
    ["numpy.core.multiarray", "_reconstruct"],
    ["torch", "UntypedStorage"],
    ["torch.cuda", "OrderedDict"],
    ["", "torch.Size"],
  ] as const;
  for (const [module, name] of names) {
    const file = zip({ "a/data.pkl": bytes(PROTO, global(module, name), ")R", STOP) });
    assert.throws(() => readCheckpoint(file), (error) => {
      assert.ok(error instanceof DecodeError);
      assert.equal(error.message, `Cannot read checkpoint: refuses global ${module}.${name}`);
      return true;
    });
  }
  const storage = zip({ "a/data.pkl": bytes(PROTO, global("torch", "FloatStorage"), ")R", STOP) });
  assert.throws(() => readCheckpoint(storage), /refuses to call torch\.FloatStorage/);
  const hidden = zip({ "a/data.pkl": bytes(PROTO, global("os\x1b[2J", "x".repeat(200)), STOP) });
  assert.throws(() => readCheckpoint(hidden), (error: Error) => {
    assert.ok(!error.message.includes("\x1b"));
    return error.message.length < 160;
  });
});

import assert from "node:assert/strict";
import { type FormPart, splitForm } from "../../functions/multipart.ts";

const utf8 = new TextEncoder();
const TYPE = "multipart/form-data; boundary=x";

function split(body: string, type = TYPE): [name: string, isFile: boolean, content: string][] {
  const parts: FormPart[] = splitForm(utf8.encode(body), type);
  return parts.map(({ name, isFile, content }) => [
    name,
    isFile,
    new TextDecoder().decode(content),
  ]);
}

/** A part of the boundary "x". */
function part(disposition: string, content = "", header = ""): string {
  return `--x\r\nContent-Disposition: ${disposition}\r\n${header}\r\n${content}\r\n`;
}

Deno.test("splitForm() gives the parts of what the runtime writes, byte for byte", async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i * i >> 3);
  const form = new FormData();
  form.set("image", new File([bytes], 'ein "Foto"; name=b.jpg', { type: "image/jpeg" }));
  form.set("größe", "1\r\n2");
  form.set("none", new File([], ""));
  const request = new Request("http://localhost", { method: "POST", body: form });
  const body = await request.bytes();
  const parts = splitForm(body, request.headers.get("Content-Type")!);
  assert.deepEqual(parts.map(({ name, isFile }) => [name, isFile]), [
    ["image", true],
    ["größe", false],
    ["none", true],
  ]);
  assert.deepEqual(new Uint8Array(parts[0]!.content), bytes);
  assert.equal(parts[0]!.content.buffer, body.buffer);
  assert.equal(new TextDecoder().decode(parts[1]!.content), "1\r\n2");
  assert.equal(parts[2]!.content.length, 0);
});

Deno.test("splitForm() keeps what only looks like a delimiter", () => {
  const content = "\r\n-x\r\n--y\r\r\n\n--x--\n--x\r\n\r\n-\r\n--";
  assert.deepEqual(split(`${part("form-data; name=a", content)}--x--`), [["a", false, content]]);
  // Content of every length stands at every distance from the bytes the search skips.
  for (let length = 0; length < 12; length++) {
    for (const filler of ["\r", "\n", "-", "x"]) {
      const content = filler.repeat(length);
      assert.deepEqual(split(`${part("form-data; name=a", content)}--x--`), [[
        "a",
        false,
        content,
      ]]);
    }
  }
});

Deno.test("splitForm() ignores preamble, epilogue and blanks after a boundary", () => {
  const body = `hello\r\n${part("form-data; name=a", "1")}--x \t\r\n` +
    `content-disposition:form-data; NAME="b"\r\n\r\n--x--bye\r\n--x\r\n`;
  assert.deepEqual(split(body), [["a", false, "1"], ["b", false, ""]]);
  assert.deepEqual(split("--x--"), []);
});

Deno.test("splitForm() tells a field's name from a file's", () => {
  const named = (disposition: string) => split(`${part(disposition)}--x--`)[0]!.slice(0, 2);
  assert.deepEqual(named('form-data; filename="a; name=b"; name=c'), ["c", true]);
  assert.deepEqual(named('form-data; name="a\\"; name=b"'), ['a"; name=b', false]);
  assert.deepEqual(named("form-data; name=a; filename*=UTF-8''b.png"), ["a", true]);
  assert.deepEqual(named('form-data; name=""'), ["", false]);
});

Deno.test("splitForm() takes a boundary in quotes, and of characters that mean something", () => {
  for (const boundary of ["a b", "'()+_,-./:=?", "-".repeat(70)]) {
    const body = part("form-data; name=a", "1").replace("--x", `--${boundary}`) + `--${boundary}--`;
    const type = `multipart/form-data; charset=utf-8; Boundary="${boundary}"; more=1`;
    assert.deepEqual(split(body, type), [["a", false, "1"]]);
  }
});

Deno.test("splitForm() throws SyntaxError when parts cannot be told apart", () => {
  const whole = `${part("form-data; name=a", "1")}--x--`;
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => split(whole.slice(0, length)), SyntaxError, `${length} bytes`);
  }
  assert.throws(() => split(whole, "multipart/form-data"), /names no boundary/);
  assert.throws(() => split(whole, "multipart/form-data; boundary=y"), /last boundary/);
  assert.throws(() => split(whole, `multipart/form-data; boundary=${"y".repeat(71)}`), SyntaxError);
  assert.throws(() => split(whole.replace("--x\r\n", "--xy\r\n")), /goes on/);
  assert.throws(() => split("--x\r\n\r\n1\r\n--x--"), /no name/);
  assert.throws(() => split(`${part("attachment; name=a")}--x--`), /no name/);
});

Deno.test("splitForm() throws RangeError at 17 parts, and at a header of more than 8 KiB", () => {
  const one = part("form-data; name=a; filename=b");
  assert.equal(split(`${one.repeat(16)}--x--`).length, 16);
  // What follows the seventeenth delimiter is not looked at: here nothing is as it should be.
  assert.throws(() => split(`${one.repeat(16)}--x\r\n`), {
    name: "RangeError",
    message: "it has more than 16 parts",
  });
  const long = part("form-data; name=a", "1", "a: b\r\n".repeat(2000));
  assert.throws(() => split(`${long}--x--`), /^RangeError: a part's header is longer than 8192/);
});

/**
 * The parts of a `multipart/form-data` body (RFC 7578), found by one pass over its bytes. The
 * runtime's own parser copies every part and takes 16 s for 20 MiB of empty ones, all on the thread
 * that answers requests.
 */

/** A part of a form. */
export interface FormPart {
  readonly name: string;
  /** Whether it was sent as a file: with a file name, be it an empty one. */
  readonly isFile: boolean;
  /** A view into the body. */
  readonly content: Uint8Array;
}

/** Most parts of a form. */
const MAX_PARTS = 16;
/** Most bytes of one part's header. */
const MAX_HEADER_BYTES = 8192;

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * Splits a form into its parts. What stands before the first delimiter and after the last is
 * ignored, as RFC 2046 wants it.
 *
 * @param type The request's `Content-Type`, which names the boundary.
 * @throws {SyntaxError} The parts cannot be told apart, or one has no name; the text tells why.
 * @throws {RangeError} There are more than 16 parts, or a header of more than 8 KiB.
 */
export function splitForm(body: Uint8Array, type: string): FormPart[] {
  const delimiter = new TextEncoder().encode(`\r\n--${readBoundary(type)}`);
  const parts: FormPart[] = [];
  // The first delimiter may stand at the very beginning, without its line break.
  let at = startsWith(body, delimiter.subarray(2), 0)
    ? delimiter.length - 2
    : indexAfter(body, delimiter, 0);
  for (;;) {
    if (at < 0) throw new SyntaxError("it ends before its last boundary");
    if (body[at] === DASH && body[at + 1] === DASH) return parts;
    while (body[at] === SPACE || body[at] === TAB) at++;
    if (body[at] !== CR || body[at + 1] !== LF) throw new SyntaxError("a boundary's line goes on");
    if (parts.length === MAX_PARTS) throw new RangeError(`it has more than ${MAX_PARTS} parts`);
    const start = endOfHeader(body, at);
    const end = indexAfter(body, delimiter, start - 2);
    const header = body.subarray(at, start);
    parts.push({
      ...readDisposition(header),
      content: body.subarray(start, Math.max(start, end - delimiter.length)),
    });
    at = end;
  }
}

/** The boundary of a `Content-Type`: 1 to 70 characters (RFC 2046, section 5.1.1). */
function readBoundary(type: string): string {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))\s*(?:;|$)/i.exec(type);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw new SyntaxError("its Content-Type names no boundary");
  return boundary;
}

/** The offset after the blank line that ends a part's header, which begins at `at`. */
function endOfHeader(body: Uint8Array, at: number): number {
  const end = Math.min(body.length, at + MAX_HEADER_BYTES);
  for (let i = at; i + 3 < end; i++) {
    if (body[i] === CR && body[i + 1] === LF && body[i + 2] === CR && body[i + 3] === LF) {
      return i + 4;
    }
  }
  if (end === body.length) throw new SyntaxError("it ends within a part's header");
  throw new RangeError(`a part's header is longer than ${MAX_HEADER_BYTES} bytes`);
}

/** What the `Content-Disposition` of a part's header says. */
function readDisposition(header: Uint8Array): { name: string; isFile: boolean } {
  const line = new TextDecoder().decode(header).split("\r\n")
    .find((it) => /^content-disposition\s*:/i.test(it));
  const [, parameters] = /^[^:]+:\s*form-data\s*(;.*)?$/i.exec(line ?? "") ?? [];
  const found = new Map<string, string>();
  // Parameters one after the other, so that a file's name cannot pass for the field's.
  const each = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*/gy;
  for (const [, key, quoted, token] of (parameters ?? "").matchAll(each)) {
    found.set(key!.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? token ?? "");
  }
  const name = found.get("name");
  if (name === undefined) throw new SyntaxError("a part has no name");
  return { name, isFile: found.has("filename") || found.has("filename*") };
}

function startsWith(bytes: Uint8Array, start: Uint8Array, at: number): boolean {
  for (let i = 0; i < start.length; i++) {
    if (bytes[at + i] !== start[i]) return false;
  }
  return true;
}

/**
 * The offset after the first delimiter at or after `from`; -1 when there is none.
 *
 * A delimiter holds a single CR, at its beginning, so what has matched in vain holds no beginning of
 * another: no byte is looked at more than twice, whatever the boundary.
 */
function indexAfter(bytes: Uint8Array, delimiter: Uint8Array, from: number): number {
  const last = bytes.length - delimiter.length;
  for (let i = from; i <= last;) {
    // Delimiters begin with CR LF - -, so one byte tells that none begins at the next few.
    const fourth = bytes[i + 3];
    if (fourth !== DASH) i += fourth === LF ? 2 : fourth === CR ? 3 : 4;
    else if (startsWith(bytes, delimiter, i)) return i + delimiter.length;
    else i++;
  }
  return -1;
}

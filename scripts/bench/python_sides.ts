/** Python as one side of a comparison. */

/** Seconds by the clock, and of all processors together. */
export interface Taken {
  readonly wall: number;
  readonly cpu: number;
}

/** A Python script that answers every line with the seconds that what it names took, both kinds. */
export class PythonSides {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  /** @param python The interpreter. @param args The script and its arguments. */
  constructor(python: string, args: readonly string[]) {
    this.#child = new Deno.Command(python, { args: [...args], stdin: "piped", stdout: "piped" })
      .spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = readLines(this.#child.stdout);
  }

  /** Has the script do what `line` names. */
  async run(line: string): Promise<Taken> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`Python ended before it did "${line}"`);
    const [wall, cpu] = value.split(" ").map(Number) as [number, number];
    return { wall, cpu };
  }

  /** Ends the script. */
  async close(): Promise<void> {
    await this.#writer.close();
    await this.#child.status;
  }
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

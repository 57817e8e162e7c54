/** Chromium without a window, driven over the DevTools protocol. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

type Params = Record<string, unknown>;
// deno-lint-ignore no-explicit-any -- the protocol's answers, of which tests know the parts they read
type Answer = any;
type Listener = (params: Answer) => void;

/** The keys tests press: `code` and virtual key code, and the text they write. */
const KEYS: Readonly<Record<string, readonly [code: string, keyCode: number, text?: string]>> = {
  Tab: ["Tab", 9],
  Enter: ["Enter", 13, "\r"],
  " ": ["Space", 32, " "],
  ArrowDown: ["ArrowDown", 40],
  ArrowUp: ["ArrowUp", 38],
  ArrowLeft: ["ArrowLeft", 37],
  ArrowRight: ["ArrowRight", 39],
  Escape: ["Escape", 27],
};

const FLAGS = [
  "--headless",
  // Tests may run as root, in containers, and show nothing but their own pages.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-extensions",
  "--disable-background-networking",
  "--no-first-run",
  "--hide-scrollbars",
  "--remote-debugging-port=0",
];

/** How long to wait for what a test expects, on a busy machine. */
const PATIENCE_MS = 180_000;

/** A running browser. Disposing ends it. */
export class Browser implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #socket: WebSocket;
  readonly #profile: string;
  readonly #answers = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #listeners = new Map<string, Listener>();
  #count = 0;

  private constructor(process: Deno.ChildProcess, socket: WebSocket, profile: string) {
    this.#process = process;
    this.#socket = socket;
    this.#profile = profile;
    socket.onmessage = ({ data }) => {
      const { id, result, error, method, params, sessionId } = JSON.parse(data);
      if (id === undefined) return this.#listeners.get(sessionId)?.({ method, params });
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (error) answer?.reject(new Error(error.message));
      else answer?.resolve(result);
    };
    socket.onclose = () => {
      for (const { reject } of this.#answers.values()) reject(new Error("The browser has ended"));
    };
  }

  /** Starts a browser with a profile of its own. */
  static async launch(path: string, env: Record<string, string> = {}): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), "silop-browser-"));
    const process = new Deno.Command(path, {
      args: [...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const address = await readAddress(process.stderr);
    if (address === null) throw new Error(`${path} does not start`);
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Browser(process, socket, profile);
  }

  /** Calls a method of the protocol. */
  async send(method: string, params: Params = {}, sessionId?: string): Promise<Answer> {
    const id = ++this.#count;
    const answer = Promise.withResolvers<Answer>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return await answer.promise;
  }

  /** Opens an empty page in a context of its own: no cookies, caches or workers of others. */
  async open(): Promise<Page> {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const { targetId } = await this.send("Target.createTarget", {
      url: "about:blank",
      browserContextId,
    });
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, sessionId, browserContextId);
    this.#listeners.set(sessionId, (event) => page.hear(event));
    for (const domain of ["Page", "Runtime", "Network", "Log", "DOM"]) {
      await page.send(`${domain}.enable`);
    }
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Asked to, it ends its own processes as well.
    await Promise.race([
      this.send("Browser.close").catch(() => {}),
      delay(2000, undefined, { ref: false }),
    ]);
    this.#socket.close();
    const gone = await Promise.race([this.#process.status, delay(5000, undefined, { ref: false })]);
    if (gone === undefined) this.#process.kill("SIGKILL");
    await this.#process.status;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Where a starting browser listens; `null` when it ends instead. What it says later is dropped. */
async function readAddress(stderr: ReadableStream<Uint8Array>): Promise<string | null> {
  const reader = stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    text += value;
    const address = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
    if (address === undefined) continue;
    void drain(reader);
    return address;
  }
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}

/** A page of a {@linkcode Browser}. */
export class Page {
  /** What the console and the policy complained about. */
  readonly complaints: string[] = [];
  /** Addresses asked for, blobs aside. */
  readonly requests: string[] = [];
  readonly #browser: Browser;
  readonly #session: string;
  readonly #context: string;
  #loaded = Promise.withResolvers<void>();

  constructor(browser: Browser, session: string, context: string) {
    this.#browser = browser;
    this.#session = session;
    this.#context = context;
  }

  hear({ method, params }: { method: string; params: Answer }): void {
    if (method === "Page.loadEventFired") this.#loaded.resolve();
    if (method === "Log.entryAdded" && params.entry.level === "error") {
      this.complaints.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    }
    if (method === "Runtime.exceptionThrown") {
      this.complaints.push(params.exceptionDetails.exception?.description ?? "exception");
    }
    if (method === "Network.requestWillBeSent" && !/^(blob|data):/.test(params.request.url)) {
      this.requests.push(params.request.url);
    }
  }

  async send(method: string, params: Params = {}): Promise<Answer> {
    return await this.#browser.send(method, params, this.#session);
  }

  /** Goes to an address and waits until it has loaded. */
  async goto(url: string): Promise<void> {
    this.#loaded = Promise.withResolvers();
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText) throw new Error(`Cannot open ${url}: ${errorText}`);
    await this.#loaded.promise;
  }

  /** The value of an expression, promises awaited. */
  async evaluate(expression: string): Promise<Answer> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** Waits until an expression is true, and returns its value. */
  async waitFor(expression: string): Promise<Answer> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const value = await this.evaluate(expression);
      if (value) return value;
      if (performance.now() > end) throw new Error(`In vain waited for ${expression}`);
      await delay(50);
    }
  }

  /** Chooses files in a file input. */
  async setFiles(selector: string, files: readonly string[]): Promise<void> {
    const { root } = await this.send("DOM.getDocument");
    const { nodeId } = await this.send("DOM.querySelector", { nodeId: root.nodeId, selector });
    await this.send("DOM.setFileInputFiles", { nodeId, files });
  }

  /** Presses and releases a key. */
  async press(key: string, modifiers = 0): Promise<void> {
    const [code, windowsVirtualKeyCode, text] = KEYS[key]!;
    const event = { key, code, windowsVirtualKeyCode, modifiers };
    await this.send("Input.dispatchKeyEvent", {
      type: text ? "keyDown" : "rawKeyDown",
      text,
      ...event,
    });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Sets the window's size and what the visitor prefers. */
  async emulate(
    { width = 1280, height = 860, scale = 1, phone = false, dark = false, still = false }: {
      width?: number;
      height?: number;
      scale?: number;
      phone?: boolean;
      dark?: boolean;
      still?: boolean;
    },
  ): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: scale,
      mobile: phone,
    });
    await this.send("Emulation.setTouchEmulationEnabled", { enabled: phone });
    await this.send("Emulation.setEmulatedMedia", {
      features: [
        { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
        { name: "prefers-reduced-motion", value: still ? "reduce" : "no-preference" },
      ],
    });
  }

  /** Lets downloads go into a folder, without asking. */
  async saveTo(folder: string): Promise<void> {
    await this.#browser.send("Browser.setDownloadBehavior", {
      behavior: "allow",
      downloadPath: folder,
      browserContextId: this.#context,
    });
  }

  /** A picture of the window. */
  async screenshot(format: "png" | "webp" = "png", quality?: number): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { format, quality });
    return Uint8Array.fromBase64(data);
  }
}

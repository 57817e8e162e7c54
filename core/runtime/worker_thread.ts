/** Threads of JavaScript wherever this runs: Web Workers in Deno, `node:worker_threads` in Node. */

import { parentPort, type Transferable, Worker as NodeWorker } from "node:worker_threads";

/** A thread, as whoever started it sees it. */
export interface WorkerThread {
  postMessage(message: unknown): void;
  /** Ends it; what runs in native code burns on to its end. */
  terminate(): void;
}

/** Told what a thread does. */
export interface WorkerThreadEvents<Message> {
  onMessage(message: Message): void;
  /** It threw what nothing caught, or ended by itself. It is of no more use. */
  onCrash(reason: string): void;
}

/** Starts a thread that runs a module. */
export function startWorkerThread<Message>(
  module: URL,
  events: WorkerThreadEvents<Message>,
): WorkerThread {
  return typeof globalThis.Worker === "function"
    ? startWebWorker(module, events)
    : startNodeWorker(module, events);
}

function startWebWorker<Message>(
  module: URL,
  { onMessage, onCrash }: WorkerThreadEvents<Message>,
): WorkerThread {
  const worker = new Worker(module, { type: "module" });
  worker.onmessage = ({ data }) => onMessage(data);
  worker.onerror = (event) => {
    // Else the error would end the whole program.
    event.preventDefault();
    onCrash(event.message);
  };
  return worker;
}

function startNodeWorker<Message>(
  module: URL,
  { onMessage, onCrash }: WorkerThreadEvents<Message>,
): WorkerThread {
  const worker = new NodeWorker(module);
  let over = false;
  const crash = (reason: string) => {
    if (!over) onCrash(reason);
    over = true;
  };
  worker.on("message", onMessage);
  worker.on("error", (error: Error) => crash(error.message));
  worker.on("exit", (code) => crash(`it ended with code ${code}`));
  return {
    postMessage: (message) => worker.postMessage(message),
    terminate() {
      over = true;
      void worker.terminate();
    },
  };
}

/** The other end: what a thread has of whoever started it. */
export interface ParentThread<In, Out> {
  postMessage(message: Out, transfer: ArrayBuffer[]): void;
  onMessage(listener: (message: In) => void): void;
}

/** To be called inside a thread of {@linkcode startWorkerThread}. */
export function parentThread<In, Out>(): ParentThread<In, Out> {
  const scope = globalThis as unknown as {
    postMessage?: (message: unknown, transfer: ArrayBuffer[]) => void;
    onmessage: ((event: { data: In }) => void) | null;
  };
  if (typeof scope.postMessage === "function") {
    return {
      postMessage: (message, transfer) => scope.postMessage!(message, transfer),
      onMessage: (listener) => scope.onmessage = ({ data }) => listener(data),
    };
  }
  return {
    postMessage: (message, transfer) =>
      parentPort!.postMessage(message, transfer as Transferable[]),
    onMessage: (listener) => void parentPort!.on("message", listener),
  };
}

/**
 * The queue: three streams of NATS JetStream and, where there is no shared folder, an object store for each
 * batch.
 *
 * | stream | subject | content |
 * |---|---|---|
 * | `SILOP_BATCHES` | `silop.batch.BATCH` | what there is to do, and how; the last word alone is kept |
 * | `SILOP_JOBS` | `silop.job.BATCH` | images to work on, until a worker acknowledges them |
 * | `SILOP_EVENTS` | `silop.event.BATCH` | what workers say, until the batch has ended |
 *
 * Every batch has a consumer `BATCH` of jobs, which all workers share.
 */

import {
  AckPolicy,
  type Consumer,
  type ConsumerMessages,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  type JsMsg,
  RetentionPolicy,
} from "@nats-io/jetstream";
import { type ObjectStore, Objm } from "@nats-io/obj";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { QueueError } from "../errors.ts";
import {
  type BatchNote,
  type EventNote,
  type JobNote,
  readBatchNote,
  readEventNote,
} from "./messages.ts";

const BATCHES = "SILOP_BATCHES";
const JOBS = "SILOP_JOBS";
const EVENTS = "SILOP_EVENTS";
/** Tries of what the server did not answer. */
const TRIES = 5;
const TRY_AGAIN_MS = 500;
const NANOSECONDS = 1_000_000;
/** Batches that ended are forgotten after a day. */
const FORGET_MS = 86_400_000;

/** A subscription; closing ends it. */
export interface Watch {
  close(): Promise<void>;
}

/** A connection to the queue. */
export class Queue {
  readonly #connection: NatsConnection;
  readonly #streams: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #objects: Objm;

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.#connection = connection;
    this.#manager = manager;
    this.#streams = jetstream(connection);
    this.#objects = new Objm(connection);
  }

  /**
   * Connects, and makes the streams that are not there. A connection that is lost is taken up again for as
   * long as it takes.
   *
   * @param address `nats://HOST:PORT`; `tls://` for an encrypted connection; before the host `USER:PASSWORD@`
   *   or `TOKEN@`.
   * @param name Told to the server.
   * @throws {RangeError} This is no such address.
   * @throws {QueueError} There is no server with JetStream.
   */
  static async open(address: string, name: string): Promise<Queue> {
    const options = parseAddress(address);
    let connection: NatsConnection | undefined;
    try {
      connection = await connect({ ...options, name, maxReconnectAttempts: -1 });
      const manager = await jetstreamManager(connection);
      await makeStreams(manager);
      return new Queue(connection, manager);
    } catch (error) {
      await connection?.close();
      throw new QueueError(`Cannot use the queue ${hideSecrets(address)}: ${messageOf(error)}`);
    }
  }

  /** Says what there is to do. */
  async announce(note: BatchNote): Promise<void> {
    await this.#publish(`silop.batch.${note.batch}`, note);
  }

  /** What was last said of a batch; `null` when it is unknown. */
  async lastNote(batch: string): Promise<BatchNote | null> {
    const query = { last_by_subj: `silop.batch.${batch}` };
    const message = await this.#manager.streams.getMessage(BATCHES, query).catch(() => null);
    return message === null ? null : readBatchNote(message.string());
  }

  /** Makes the batch's consumer of jobs, and takes back what is left of earlier jobs. */
  async prepareJobs({ batch, ackWait }: BatchNote): Promise<void> {
    await this.removeJobs(batch);
    const ack_wait = ackWait * NANOSECONDS;
    const config = {
      durable_name: batch,
      filter_subject: `silop.job.${batch}`,
      ack_policy: AckPolicy.Explicit,
      ack_wait,
      max_ack_pending: -1,
    };
    // There may be one of an earlier try, with another time to wait.
    await this.#manager.consumers.add(JOBS, config)
      .catch(() => this.#manager.consumers.update(JOBS, batch, { ack_wait }));
  }

  /** Hands over an image. @param key Of several notes with one key, the server takes the first. */
  async addJob(batch: string, note: JobNote, key: string): Promise<void> {
    await this.#publish(`silop.job.${batch}`, note, key);
  }

  /** Takes back all jobs that nobody has done. */
  async removeJobs(batch: string): Promise<void> {
    await this.#manager.streams.purge(JOBS, { filter: `silop.job.${batch}` });
  }

  /** Forgets all that workers have said of a batch, and its jobs. */
  async endBatch(batch: string): Promise<void> {
    await this.removeJobs(batch);
    await this.#manager.streams.purge(EVENTS, { filter: `silop.event.${batch}` });
    await this.#manager.consumers.delete(JOBS, batch).catch(() => {});
    await this.#manager.streams.delete(`OBJ_${bucketOf(batch)}`).catch(() => {});
  }

  /** The consumer of a batch's jobs; `null` when there is none (any more). */
  async jobs(batch: string): Promise<Consumer | null> {
    try {
      return await this.#streams.consumers.get(JOBS, batch);
    } catch (error) {
      if (this.#connection.isClosed()) throw error;
      return null;
    }
  }

  async tell(batch: string, event: EventNote): Promise<void> {
    await this.#publish(`silop.event.${batch}`, event);
  }

  /**
   * Hears all that workers have said and will say of a batch, in order.
   *
   * @param past Told, once, when what follows is new.
   */
  async hear(
    batch: string,
    listener: (event: EventNote, batch: string) => void,
    past: () => void = () => {},
  ): Promise<Watch> {
    return await this.#watch(EVENTS, `silop.event.${batch}`, DeliverPolicy.All, past, (message) => {
      const event = readEventNote(message.string());
      if (event !== null) listener(event, message.subject.split(".")[2]!);
    });
  }

  /** Hears of all batches, those known first. */
  async hearBatches(
    listener: (note: BatchNote) => void,
    past: () => void = () => {},
  ): Promise<Watch> {
    const policy = DeliverPolicy.LastPerSubject;
    return await this.#watch(BATCHES, "silop.batch.*", policy, past, (message) => {
      const note = readBatchNote(message.string());
      if (note !== null) listener(note);
    });
  }

  /** Forgets batches that ended long ago. */
  async tidy(): Promise<void> {
    const old: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = await this.hearBatches(({ batch, state, begun }) => {
      if (state !== "open" && Date.now() - begun > FORGET_MS) old.push(batch);
    }, resolve);
    await promise;
    await watch.close();
    for (const batch of old) {
      await this.#manager.streams.purge(BATCHES, { filter: `silop.batch.${batch}` });
    }
  }

  /** The object store of a batch. */
  async store(batch: string): Promise<ObjectStore> {
    return await this.#objects.create(bucketOf(batch));
  }

  /** The reason when the connection has ended for good. */
  get closed(): Promise<void | Error> {
    return this.#connection.closed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#connection.isClosed()) await this.#connection.drain().catch(() => {});
  }

  async #publish(subject: string, note: unknown, msgID?: string): Promise<void> {
    for (let left = TRIES;; left--) {
      try {
        await this.#streams.publish(subject, JSON.stringify(note), { msgID });
        return;
      } catch (error) {
        if (left === 1 || this.#connection.isClosed()) {
          throw new QueueError(`The queue takes no messages: ${messageOf(error)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
      }
    }
  }

  async #watch(
    stream: string,
    filter_subjects: string,
    deliver_policy: DeliverPolicy,
    past: () => void,
    callback: (message: JsMsg) => void,
  ): Promise<Watch> {
    const consumer = await this.#streams.consumers.get(stream, { filter_subjects, deliver_policy });
    const { num_pending } = await consumer.info();
    let isPast = num_pending > 0;
    if (!isPast) past();
    const messages: ConsumerMessages = await consumer.consume({
      callback: (message: JsMsg) => {
        callback(message);
        if (!isPast || message.info.pending > 0) return;
        isPast = false;
        past();
      },
    });
    return { close: async () => void await messages.close() };
  }
}

/** Where the server is, for the client library. */
function parseAddress(address: string): Parameters<typeof connect>[0] & object {
  let url: URL;
  try {
    // Of a scheme it does not know, the parser gives no host.
    url = new URL(address.replace(/^(nats|tls):\/\//, "https://"));
  } catch {
    throw new RangeError(`"${address}" is no address such as nats://127.0.0.1:4222`);
  }
  if (!/^(nats|tls):\/\//.test(address) || url.pathname.length > 1) {
    throw new RangeError(`"${hideSecrets(address)}" is no address such as nats://127.0.0.1:4222`);
  }
  const [user, pass] = [url.username, url.password].map(decodeURIComponent);
  // As the scheme stands for another here, its usual port was left out.
  const port = url.port !== "" ? url.port : /:443(\/|$)/.test(address) ? "443" : "4222";
  return {
    servers: `${url.hostname}:${port}`,
    ...(address.startsWith("tls:") ? { tls: {} } : {}),
    ...(user === "" ? {} : pass === "" ? { token: user } : { user, pass }),
  };
}

/** An address without password or token. */
export function hideSecrets(address: string): string {
  return address.replace(/\/\/[^@/]*@/, "//…@");
}

function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== message
    ? `${message} (${cause.message})`
    : message;
}

async function makeStreams(manager: JetStreamManager): Promise<void> {
  const limits = { retention: RetentionPolicy.Limits };
  const latest = { max_msgs_per_subject: 1, discard: DiscardPolicy.Old };
  const streams = [
    { name: BATCHES, subjects: ["silop.batch.*"], ...limits, ...latest },
    { name: JOBS, subjects: ["silop.job.*"], retention: RetentionPolicy.Workqueue },
    { name: EVENTS, subjects: ["silop.event.*"], ...limits },
  ];
  const known = new Set<string>();
  for await (const { config } of manager.streams.list()) known.add(config.name);
  for (const stream of streams) if (!known.has(stream.name)) await manager.streams.add(stream);
}

function bucketOf(batch: string): string {
  return `silop_${batch}`;
}

/**
 * The trainer of heads: some matrices over features that a frozen backbone has made. They are so small that
 * the optimiser is part of the graph, and one run of it one step. Whole networks, whose parameters stay in
 * place, are trained by `networks/network_trainer.ts`; the network that is trained anew on every image is a
 * graph of its own (`nets/uss.ts`).
 */

import * as ort from "onnxruntime-node";
import { gradients } from "../../onnx/gradients.ts";
import { GraphBuilder, type Value } from "../../onnx/graph_builder.ts";
import { adamUpdate } from "../../onnx/optimizers.ts";
import { openSession } from "../../runtime/device.ts";

/** A parameter to be learnt, and what it starts from. */
export interface Parameter {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Options of {@linkcode HeadTrainer.create}. */
export interface HeadTrainerOptions {
  /** Share of the old mean gradient kept at each step. Default: 0.9. */
  beta1?: number;
  /** Share of the old mean square kept at each step. Default: 0.999. */
  beta2?: number;
  /** Added to the root of the mean square. Default: 1e-8. */
  epsilon?: number;
  /** Native threads. Default: ONNX Runtime's choice. */
  threads?: number;
}

/**
 * Learns parameters by Adam.
 *
 * The graph holds the loss, its gradients and the optimiser's step; parameters and the optimiser's
 * state go in and come out of every run. The same feeds give the same bytes on the same processor.
 */
export class HeadTrainer<Name extends string> {
  readonly #session: ort.InferenceSession;
  readonly #state: Map<string, ort.Tensor>;
  readonly #names: readonly Name[];
  readonly #betas: readonly [number, number];
  #steps = 0;

  private constructor(
    session: ort.InferenceSession,
    state: Map<string, ort.Tensor>,
    names: readonly Name[],
    betas: readonly [number, number],
  ) {
    this.#session = session;
    this.#state = state;
    this.#names = names;
    this.#betas = betas;
  }

  /**
   * @param parameters What is learnt, by name.
   * @param loss Builds the loss, a scalar, of the parameters and of inputs it declares itself; these are
   *   what {@linkcode HeadTrainer.step} is fed. Names starting with `adam/` are taken.
   */
  static async create<Name extends string>(
    parameters: Readonly<Record<Name, Parameter>>,
    loss: (g: GraphBuilder, parameters: Readonly<Record<Name, Value>>) => Value,
    { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, threads }: HeadTrainerOptions = {},
  ): Promise<HeadTrainer<Name>> {
    const g = new GraphBuilder();
    const names = Object.keys(parameters) as Name[];
    const state = new Map<string, ort.Tensor>();
    const values = {} as Record<Name, Value>;
    for (const name of names) {
      const { shape, data } = parameters[name];
      values[name] = g.input(`adam/${name}`, "float32", shape);
      state.set(`adam/${name}`, new ort.Tensor("float32", data.slice(), shape));
    }
    const total = loss(g, values);
    const rate = g.input("adam/rate", "float32", []);
    // 1 − βᵗ of both averages, which start at zero.
    const corrections = [
      g.input("adam/c1", "float32", []),
      g.input("adam/c2", "float32", []),
    ] as const;
    const slopes = gradients(g, total, names.map((name) => values[name]), { unreachable: "error" });
    names.forEach((name, i) => {
      const { shape, data } = parameters[name];
      const [mean, square] = (["mean", "square"] as const).map((kind) => {
        const key = `adam/${name}.${kind}`;
        state.set(key, new ort.Tensor("float32", new Float32Array(data.length), shape));
        return g.input(key, "float32", shape);
      }) as [Value, Value];
      const next = adamUpdate(
        g,
        { parameter: values[name], gradient: slopes[i]!, mean, square, rate, corrections },
        { beta1, beta2, epsilon },
      );
      g.output(`adam/${name}.next`, next.parameter);
      g.output(`adam/${name}.mean.next`, next.mean);
      g.output(`adam/${name}.square.next`, next.square);
    });
    g.output("adam/loss", total);
    const { session } = await openSession(g.build(), { threads });
    return new HeadTrainer(session, state, names, [beta1, beta2]);
  }

  /**
   * Takes one step.
   *
   * @param feeds The inputs the loss declared.
   * @param rate Learning rate.
   * @returns The loss before the step.
   */
  async step(feeds: Readonly<Record<string, ort.Tensor>>, rate: number): Promise<number> {
    this.#steps += 1;
    const [beta1, beta2] = this.#betas;
    const results = await this.#session.run({
      ...feeds,
      ...Object.fromEntries(this.#state),
      "adam/rate": scalar(rate),
      "adam/c1": scalar(1 - beta1 ** this.#steps),
      "adam/c2": scalar(1 - beta2 ** this.#steps),
    });
    for (const key of this.#state.keys()) this.#state.set(key, results[`${key}.next`]!);
    return (results["adam/loss"]!.data as Float32Array)[0]!;
  }

  /** The parameters as they are now. */
  parameters(): Record<Name, Float32Array> {
    return Object.fromEntries(
      this.#names.map((
        name,
      ) => [name, (this.#state.get(`adam/${name}`)!.data as Float32Array).slice()]),
    ) as Record<Name, Float32Array>;
  }

  /** Frees the session; the trainer cannot step any more. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

function scalar(value: number): ort.Tensor {
  return new ort.Tensor("float32", Float32Array.of(value), []);
}

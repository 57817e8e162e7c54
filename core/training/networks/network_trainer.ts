/**
 * The trainer of networks: one run of a graph gives the losses and the gradients of one batch, an optimiser
 * then moves the parameters in place. Heads on a frozen backbone are trained by `heads/head_trainer.ts`.
 */

import * as ort from "onnxruntime-node";
import { OptionError } from "../../errors.ts";
import { adamStep, sgdStep } from "../../../kernels/optimizers.ts";
import { fillDropoutNumbers } from "../../nets/dropout_mask.ts";
import { LearntLayers } from "../../nets/learnt_layers.ts";
import { PARAMETER_PREFIX } from "../../nets/learnt_tensors.ts";
import { probeBlockSize } from "../../onnx/block_size.ts";
import { gradients } from "../../onnx/gradients.ts";
import { GraphBuilder, type Value } from "../../onnx/graph_builder.ts";
import { hasNvidiaDriver, openSession, type SessionOptions } from "../../runtime/device.ts";
import type { StateDict } from "../../weights/state_dict.ts";
import { toFloat32, type WeightTensor } from "../../weights/tensor.ts";
import { FlatTensors } from "./flat_tensors.ts";
import { randomOfStep } from "../random.ts";
import type { TrainerState } from "../run/trainer.ts";

/** Tensors that are learnt alike. */
export interface ParameterGroup {
  /** Which tensors, by their names. The first group that matches counts. */
  readonly match: RegExp | ((name: string) => boolean);
  /** Factor of the learning rate. Default: 1. */
  readonly rate?: number;
  /** Default: 0. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent. */
export interface SgdOptimizer {
  readonly type: "sgd";
  /** Default: 0. */
  readonly momentum?: number;
  /** Default: false. */
  readonly nesterov?: boolean;
}

/** Adam, with decoupled weight decay where a group has one. */
export interface AdamOptimizer {
  readonly type: "adam";
  /** Default: 0.9. */
  readonly beta1?: number;
  /** Default: 0.999. */
  readonly beta2?: number;
  /** Default: 1e-8. */
  readonly epsilon?: number;
}

/** Builds the losses of a network: what is trained on under `loss`, others beside it to be watched. */
export type BuildLosses<Name extends string> = (
  g: GraphBuilder,
  layers: LearntLayers,
) => Readonly<Record<Name | "loss", Value>>;

/** What {@linkcode NetworkTrainer.create} makes a trainer of. */
export interface NetworkTrainerOptions<Name extends string> {
  /** The losses, scalars. The inputs it declares are what `step` is fed; their sizes are fixed. */
  readonly build: BuildLosses<Name>;
  /** All tensors of the network, learnt or not. They are not changed. */
  readonly parameters: StateDict;
  /** What is learnt and how; tensors that no group matches stay as they are. */
  readonly groups: readonly ParameterGroup[];
  readonly optimizer: SgdOptimizer | AdamOptimizer;
  /** Seed of dropout. Default: 0. */
  readonly seed?: number;
  /** Whether dropout drops. Default: true. */
  readonly dropout?: boolean;
  /** Channels in a block, `null` for standard operators only. Default: what is fastest on the device. */
  readonly blockSize?: number | null;
  /**
   * Where the graph runs. Memory is not planned ahead here unless `memoryPattern` asks for it: that nearly
   * doubles the peak.
   */
  readonly session?: SessionOptions;
}

/** The inputs of one batch, by name. */
export type Feeds = Readonly<Record<string, ort.Tensor>>;

/** See the head of this file. The same feeds give the same bytes on the same processor. */
export class NetworkTrainer<Name extends string = never> {
  readonly #session: ort.InferenceSession;
  readonly #options: NetworkTrainerOptions<Name>;
  readonly #lossNames: readonly (Name | "loss")[];
  readonly #feeds: readonly string[];
  readonly #parameters: FlatTensors;
  readonly #gradients: FlatTensors;
  /** Gradients of several batches added up; made when first needed. */
  #sums: FlatTensors | null = null;
  /** What the optimiser remembers, by kind. */
  readonly #memory: ReadonlyMap<string, FlatTensors>;
  readonly #groups: ReadonlyMap<string, ParameterGroup>;
  readonly #dropout: readonly { name: string; tensor: ort.Tensor }[];
  #steps = 0;

  private constructor(parts: TrainerParts<Name>) {
    this.#session = parts.session;
    this.#options = parts.options;
    this.#lossNames = parts.lossNames;
    this.#feeds = parts.feeds;
    this.#parameters = parts.parameters;
    this.#groups = parts.groups;
    this.#dropout = parts.dropout;
    this.#gradients = parts.parameters.zeros();
    const kinds = parts.options.optimizer.type === "adam" ? ["mean", "square"] : ["velocity"];
    this.#memory = new Map(kinds.map((kind) => [kind, parts.parameters.zeros()]));
  }

  /**
   * @throws {ModelError} when tensors are missing or have other shapes.
   * @throws {OptionError} when nothing is learnt, or a learnt tensor has no part in the loss.
   * @throws {DeviceError} when the device asked for does not work here.
   */
  static async create<Name extends string = never>(
    options: NetworkTrainerOptions<Name>,
  ): Promise<NetworkTrainer<Name>> {
    const { build, parameters, groups, session: sessionOptions = {} } = options;
    const { device = "cpu" } = sessionOptions;
    const onCpu = device === "cpu" || (device === "auto" && !hasNvidiaDriver());
    const { blockSize = onCpu ? await probeBlockSize() : null } = options;
    const groupOf = (name: string) => groups.find(({ match }) => matches(match, name));
    const g = new GraphBuilder();
    const layers = new LearntLayers(g, {
      blockSize,
      weights: parameters,
      learns: (name) => groupOf(name) !== undefined,
      dropout: options.dropout,
    });
    const losses = build(g, layers);
    const learnt = [...layers.learnt];
    if (learnt.length === 0) {
      throw new OptionError("Cannot train: no tensor of the network is in any parameter group");
    }
    const slopes = gradients(g, losses.loss, learnt.map(([, value]) => value), {
      unreachable: "error",
    });
    const lossNames = Object.keys(losses) as (Name | "loss")[];
    for (const name of lossNames) g.output(`loss/${name}`, g.reshape(losses[name], []));
    learnt.forEach(([name], at) => g.output(GRADIENT_PREFIX + name, slopes[at]!));
    const own = new Set([...layers.learnt.values()]);
    for (const { rows, columns } of layers.dropouts) own.add(rows).add(columns);
    const { session } = await openSession(g.build(), { memoryPattern: false, ...sessionOptions });
    return new NetworkTrainer({
      session,
      options,
      lossNames,
      feeds: g.inputs.filter((input) => !own.has(input)).map(({ name }) => name),
      parameters: new FlatTensors(
        learnt.map(([name]) => ({ name, shape: parameters.get(name)!.shape })),
      ).set((name) => toFloat32(parameters.get(name)!)),
      groups: new Map(learnt.map(([name]) => [name, groupOf(name)!])),
      dropout: layers.dropouts.flatMap(({ rows, columns }) =>
        [rows, columns].map(({ name, shape }) => ({ name, tensor: emptyTensor(shape as number[]) }))
      ),
    });
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Names of the tensors that are learnt. */
  get learnt(): readonly string[] {
    return this.#parameters.names;
  }

  /**
   * Takes one step.
   *
   * @param feeds The inputs that `build` declared; of several batches, the gradients' mean is taken.
   * @param rate Learning rate.
   * @returns The losses before the step, the batches' mean.
   */
  async step(
    feeds: Feeds | readonly Feeds[],
    rate: number,
  ): Promise<Record<Name | "loss", number>> {
    const batches = Array.isArray(feeds) ? feeds as readonly Feeds[] : [feeds as Feeds];
    if (batches.length === 0) throw new TypeError("Cannot step without a batch");
    const losses = Object.fromEntries(this.#lossNames.map((name) => [name, 0]));
    const several = batches.length > 1;
    if (several) (this.#sums ??= this.#gradients.zeros()).data.fill(0);
    const random = randomOfStep(this.#options.seed ?? 0, this.#steps);
    for (const batch of batches) {
      for (const { tensor } of this.#dropout) {
        fillDropoutNumbers(tensor.data as Float32Array, random);
      }
      const found = await this.#run(batch);
      for (const name of this.#lossNames) losses[name]! += found[name] / batches.length;
      if (several) addTo(this.#sums!.data, this.#gradients.data);
    }
    this.#steps += 1;
    this.#move(several ? this.#sums! : this.#gradients, rate, 1 / batches.length);
    return losses as Record<Name | "loss", number>;
  }

  /** The losses of a batch as the network is now; dropout, where it is on, as in the step before. */
  async losses(feeds: Feeds): Promise<Record<Name | "loss", number>> {
    return await this.#run(feeds);
  }

  /** All tensors of the network as they are now, learnt or not. */
  parameters(): Map<string, WeightTensor> {
    const all = new Map(this.#options.parameters);
    for (const [name, tensor] of this.#parameters.copies()) all.set(name, tensor);
    return all;
  }

  /**
   * All that is needed to go on later: `parameters/NAME`, and the optimiser's `velocity/NAME`, or `mean/NAME`
   * and `square/NAME`.
   */
  state(): TrainerState {
    const tensors = new Map<string, WeightTensor>();
    for (const [kind, flat] of [["parameters", this.#parameters] as const, ...this.#memory]) {
      for (const [name, tensor] of flat.copies()) tensors.set(`${kind}/${name}`, tensor);
    }
    return { steps: this.#steps, tensors };
  }

  /**
   * Goes back to a state; the steps after it are the same to the last bit.
   *
   * @throws {OptionError} when the state is of another network or optimiser.
   */
  restore({ steps, tensors }: TrainerState): void {
    for (const [kind, flat] of [["parameters", this.#parameters] as const, ...this.#memory]) {
      flat.set((name) => {
        const tensor = tensors.get(`${kind}/${name}`);
        if (tensor) return toFloat32(tensor);
        throw new OptionError(`Cannot restore the training: "${kind}/${name}" is missing`);
      });
    }
    this.#steps = steps;
  }

  /** Frees the session; the trainer cannot step any more. */
  async release(): Promise<void> {
    await this.#session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** Losses of one batch; the gradients are left in `#gradients`. */
  async #run(batch: Feeds): Promise<Record<Name | "loss", number>> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const name of this.#feeds) {
      const tensor = batch[name];
      if (!tensor) throw new TypeError(`Cannot step: the batch has no "${name}"`);
      feeds[name] = tensor;
    }
    for (const { name, tensor } of this.#dropout) feeds[name] = tensor;
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const name of this.#lossNames) fetches[`loss/${name}`] = null;
    for (const name of this.#parameters.names) {
      feeds[PARAMETER_PREFIX + name] = this.#parameters.tensor(name);
      fetches[GRADIENT_PREFIX + name] = this.#gradients.tensor(name);
    }
    const results = await this.#session.run(feeds, fetches);
    return Object.fromEntries(
      this.#lossNames.map((name) => [name, (results[`loss/${name}`]!.data as Float32Array)[0]!]),
    ) as Record<Name | "loss", number>;
  }

  #move(slopes: FlatTensors, rate: number, scale: number): void {
    const { optimizer } = this.#options;
    for (const name of this.#parameters.names) {
      const group = this.#groups.get(name)!;
      const own = { rate: rate * (group.rate ?? 1), weightDecay: group.weightDecay ?? 0, scale };
      const [parameters, slope] = [this.#parameters.view(name), slopes.view(name)];
      const [first, second] = [...this.#memory.values()].map((flat) => flat.view(name));
      if (optimizer.type === "sgd") {
        sgdStep(parameters, slope, first!, { ...optimizer, ...own });
      } else {
        const step = this.#steps;
        adamStep(parameters, slope, first!, second!, { ...optimizer, ...own, step });
      }
    }
  }
}

const GRADIENT_PREFIX = "gradient/";

interface TrainerParts<Name extends string> {
  readonly session: ort.InferenceSession;
  readonly options: NetworkTrainerOptions<Name>;
  readonly lossNames: readonly (Name | "loss")[];
  readonly feeds: readonly string[];
  readonly parameters: FlatTensors;
  readonly groups: ReadonlyMap<string, ParameterGroup>;
  readonly dropout: readonly { name: string; tensor: ort.Tensor }[];
}

function matches(match: ParameterGroup["match"], name: string): boolean {
  return match instanceof RegExp ? match.test(name) : match(name);
}

function addTo(sums: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += values[i]!;
}

function emptyTensor(shape: readonly number[]): ort.Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return new ort.Tensor("float32", new Float32Array(count), shape);
}

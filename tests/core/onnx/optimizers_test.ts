import assert from "node:assert/strict";
import { GraphBuilder, type Value } from "../../../core/onnx/graph_builder.ts";
import { gradients } from "../../../core/onnx/gradients.ts";
import { sgdUpdate } from "../../../core/onnx/optimizers.ts";
import { randomNumbers } from "./gradient_check.ts";
import { run } from "./session.ts";

for (const nesterov of [false, true]) {
  const rule = nesterov ? "Nesterov's rule" : "momentum and weight decay";
  Deno.test(`sgdUpdate() follows the formula over steps when given ${rule}`, async () => {
    const [momentum, weightDecay, rate] = [0.9, 0.01, 0.1];
    const g = new GraphBuilder();
    const [p, v, d] = ["p", "v", "d"].map((name) => g.input(name, "float32", [2, 3]));
    const lr = g.input("rate", "float32", []);
    const step = sgdUpdate(g, { parameter: p!, velocity: v!, gradient: d!, rate: lr }, {
      momentum,
      weightDecay,
      nesterov,
    });
    g.output("p1", step.parameter);
    g.output("v1", step.velocity!);
    const model = g.build();

    const shape = [2, 3];
    let parameter = [...randomNumbers(6, 1)].map(Math.fround);
    let velocity = [0, 0, 0, 0, 0, 0];
    let [wanted, direction] = [[...parameter], [...velocity]];
    for (let turn = 0; turn < 3; turn++) {
      const gradient = [...randomNumbers(6, 2 + turn)].map((u) => Math.fround(u - 0.5));
      const out = await run(model, {
        p: { data: parameter, shape },
        v: { data: velocity, shape },
        d: { data: gradient, shape },
        rate: { data: [rate], shape: [] },
      });
      parameter = [...out.p1!.data].map(Number);
      velocity = [...out.v1!.data].map(Number);
      const decayed = gradient.map((value, at) => value + weightDecay * wanted[at]!);
      direction = direction.map((value, at) => momentum * value + decayed[at]!);
      const along = decayed.map((value, at) => nesterov ? value + momentum * direction[at]! : 0);
      wanted = wanted.map((value, at) => value - rate * (nesterov ? along[at]! : direction[at]!));
      wanted.forEach((value, at) => assert.ok(Math.abs(value - parameter[at]!) < 1e-6));
      direction.forEach((value, at) => assert.ok(Math.abs(value - velocity[at]!) < 1e-6));
    }
  });
}

Deno.test("sgdUpdate() throws TypeError when a velocity is missing or of another shape", () => {
  const g = new GraphBuilder();
  const parameter = g.input("p", "float32", [2, 3]);
  const gradient = g.input("d", "float32", [3, 2]);
  const inputs = { parameter, gradient: parameter, rate: 0.1 };
  assert.throws(() => sgdUpdate(g, inputs, { momentum: 0.9 }), /velocity is missing/);
  assert.throws(() => sgdUpdate(g, inputs, { nesterov: true }), /without momentum/);
  assert.throws(() => sgdUpdate(g, { ...inputs, gradient }), /gradient float32\[3,2\]/);
});

/** A convolution, ReLU, a mean over the map, a linear layer and cross entropy on six images. */
function loss(g: GraphBuilder, images: Value, labels: Value, [w, head]: readonly Value[]): Value {
  const maps = g.relu(g.conv(images, w!, { pads: 1, strides: 2 }));
  const features = g.reduceMean(maps, [2, 3], { keep: false });
  const scores = g.logSoftmax(g.matMul(features, head!), 1);
  const picked = g.gatherElements(scores, g.unsqueeze(labels, [1]), 1);
  return g.neg(g.reduceMean(picked, [], { keep: false }));
}

const shapes = [[4, 1, 3, 3], [4, 2]];
const start = shapes.map((shape, at) => ({
  shape,
  data: [...randomNumbers(shape.reduce((a, b) => a * b), 5 + at)].map((u) => u - 0.5),
}));
/** Six 8×6 images: rows striped for class 0, columns for class 1. */
const stripes = Array.from({ length: 6 * 48 }, (_, at) => {
  const [image, row, column] = [Math.floor(at / 48), Math.floor(at % 48 / 6), at % 6];
  return ((image % 2 === 0 ? row : column) % 2) * (1 + 0.1 * image);
});
const feeds = {
  images: { data: stripes, shape: [6, 1, 8, 6] },
  labels: { data: [0, 1, 0, 1, 0, 1], shape: [6], dtype: "int64" as const },
};
const TURNS = 40;

/** One turn of training: the state is parameters, then velocities. */
function turn(g: GraphBuilder, images: Value, labels: Value, state: readonly Value[]) {
  const parameters = state.slice(0, 2);
  const error = loss(g, images, labels, parameters);
  const steps = gradients(g, error, parameters).map((gradient, at) =>
    sgdUpdate(g, { parameter: parameters[at]!, velocity: state[2 + at]!, gradient, rate: 0.3 }, {
      momentum: 0.9,
    })
  );
  const next = [...steps.map((s) => s.parameter), ...steps.map((s) => s.velocity!)];
  return { error, next };
}

Deno.test("a network trained inside a Loop learns, and as by single steps", async () => {
  const g = new GraphBuilder();
  const images = g.input("images", "float32", [6, 1, 8, 6]);
  const labels = g.input("labels", "int64", [6]);
  const state = [0, 1, 0, 1].map((at, index) => g.input(`s${index}`, "float32", start[at]!.shape));
  const { state: end, scans } = g.loop(state, (body, { state: now }) => {
    const { error, next } = turn(body, images, labels, now);
    return { state: next, scans: [error] };
  }, { count: TURNS });
  end.forEach((value, at) => g.output(`e${at}`, value));
  g.output("errors", scans[0]!);
  const zeros = start.map(({ shape, data }) => ({ shape, data: data.map(() => 0) }));
  const initial = [...start, ...zeros];
  const inputs = Object.fromEntries(initial.map((tensor, at) => [`s${at}`, tensor]));
  const looped = await run(g.build(), { ...feeds, ...inputs });
  const errors = [...looped.errors!.data].map(Number);
  assert.equal(errors.length, TURNS);
  assert.ok(errors.at(-1)! < 0.05 && errors[0]! > 0.4, `from ${errors[0]} to ${errors.at(-1)}`);

  const single = new GraphBuilder();
  const { error, next } = turn(
    single,
    single.input("images", "float32", [6, 1, 8, 6]),
    single.input("labels", "int64", [6]),
    [0, 1, 0, 1].map((at, index) => single.input(`s${index}`, "float32", start[at]!.shape)),
  );
  next.forEach((value, at) => single.output(`s${at}'`, value));
  single.output("error", error);
  const model = single.build();
  let now = initial;
  for (let step = 0; step < 3; step++) {
    const out = await run(model, {
      ...feeds,
      ...Object.fromEntries(now.map((tensor, at) => [`s${at}`, tensor])),
    });
    assert.ok(Math.abs(Number(out.error!.data[0]) - errors[step]!) < 1e-5);
    now = now.map(({ shape }, at) => ({ shape, data: [...out[`s${at}'`]!.data].map(Number) }));
  }
});

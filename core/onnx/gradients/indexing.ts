/**
 * Gradients of operators that pick or put elements by index.
 */

import { type GradientRule, type GradientTable, int, positive, refuse, zerosLike } from "./rule.ts";

const gather: GradientRule = ({ g, node, dy, x: [x, indices] }) => [() => {
  const axis = positive(int(node, "axis", 0), x!.rank);
  // As many indices as elements of the gradient, each saying where along the axis it is added.
  const sizes = x!.shape.map((_, at) => x!.size(at));
  const count = indices!.shape.reduce<number>((n, _, at) => n * indices!.size(at), 1);
  const spread = sizes.with(axis, count);
  const places = g.reshape(indices!, sizes.map((_, at) => at === axis ? count : 1));
  return g.scatterElements(zerosLike(g, x!), g.expand(places, spread), g.reshape(dy, spread), {
    axis,
    reduction: "add",
  });
}];

const gatherElements: GradientRule = ({ g, node, dy, x: [x, indices] }) => [() => {
  const axis = int(node, "axis", 0);
  return g.scatterElements(zerosLike(g, x!), indices!, dy, { axis, reduction: "add" });
}];

const scatterElements: GradientRule = ({ g, node, dy, x: [, indices, updates] }) => {
  const axis = int(node, "axis", 0);
  const reduction = node.attributes.reduction ?? "none";
  if (reduction !== "none" && reduction !== "add") refuse(node, `reduction ${reduction}`);
  return [
    () =>
      reduction === "add" ? dy : g.scatterElements(dy, indices!, zerosLike(g, updates!), { axis }),
    undefined,
    () => g.gatherElements(dy, indices!, axis),
  ];
};

export const indexingGradients: GradientTable = {
  Gather: gather,
  GatherElements: gatherElements,
  ScatterElements: scatterElements,
};

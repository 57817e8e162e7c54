/** The parts of the page that are made of what there is: stages, views, classes, times. */

import { shownColour } from "./colours.js";
import { percent } from "./result.js";

const MODE_NAMES = {
  fast: ["Segment, fast", "A class for every pixel, at one look"],
  cam: ["Segment", "A class for every pixel"],
  pipeline: ["Segment, whole chain", "Along edges; takes seconds"],
};
const STAGES = [
  { id: "cam", name: "Class maps", note: "Where the classifier sees each class" },
  {
    id: "perimeter",
    name: "Perimeters",
    note: "Regions and edges; takes seconds",
  },
  { id: "refine", name: "Refine", note: "Every step of the chain; seconds" },
];

/** What can be chosen: the modes of segmentation the service has, then the other stages. */
export function listStages(modes) {
  const segments = modes.map((mode) => {
    const [name, note] = MODE_NAMES[mode] ?? [`Segment, ${mode}`, ""];
    return { id: `segment-${mode}`, stage: "segment", mode, name, note };
  });
  return [...segments, ...STAGES.map((it) => ({ ...it, stage: it.id }))];
}

/** Makes an element; `properties` may hold `dataset` and `style` entries, `children` texts. */
export function make(tag, properties = {}, ...children) {
  const { dataset = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

/** Fills a box with radio buttons, one of them chosen. */
export function showChoices(box, name, choices, chosen, onChange) {
  box.replaceChildren(...choices.map(({ id, name: text, note }) => {
    const input = make("input", { type: "radio", name, value: id, checked: id === chosen });
    input.addEventListener("change", () => onChange(id));
    const words = make("span", {}, text);
    return make("label", {}, input, words, ...(note ? [make("small", {}, note)] : []));
  }));
}

/** Fills a list with a check box for every class; `hidden` holds those that are off. */
export function showClasses(list, { classes, colours }, hidden, onChange) {
  list.replaceChildren(...classes.map(({ index, name, score, share }) => {
    const input = make("input", { type: "checkbox", checked: !hidden.has(index), value: index });
    input.addEventListener("change", () => {
      if (input.checked) hidden.delete(index);
      else hidden.add(index);
      onChange();
    });
    const swatch = make("span", { className: "swatch" });
    swatch.style.backgroundColor = `rgb(${shownColour(index, colours)})`;
    const facts = [
      ...(share === undefined ? [] : [`${percent(share)} of photo`]),
      ...(score === undefined ? [] : [`score ${score.toFixed(2)}`]),
    ].join(" · ");
    return make("li", {}, make("label", {}, input, swatch, name, make("small", {}, facts)));
  }));
}

/** Steps whose times are sums of others, or what was measured here. */
const WHOLE = { total: "Service, in all", taken: "Until the answer was here" };

/** Fills a table's body with the times of one answer. */
export function showTimes(body, times, taken) {
  const parts = new Set(["decode", "compute", "encode", "total"]);
  const rows = [...times, { name: "taken", milliseconds: taken }];
  body.replaceChildren(...rows.map(({ name, milliseconds }) => {
    const isSum = name in WHOLE;
    const words = WHOLE[name] ?? name[0].toUpperCase() + name.slice(1).replaceAll("-", " ");
    const digits = milliseconds < 10 ? 1 : 0;
    return make(
      "tr",
      { className: isSum ? "sum" : parts.has(name) ? "" : "part" },
      make("th", { scope: "row" }, words),
      make("td", {}, `${milliseconds.toFixed(digits)} ms`),
    );
  }));
}

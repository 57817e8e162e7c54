/** Label Studio's labelling configurations, as far as they tell what predictions must look like. */

import { XMLParser } from "fast-xml-parser";
import { OptionError } from "../../core/errors.ts";

/** The tags that predictions can be made for, the preferred one first. */
export const CONTROL_TAGS = ["BrushLabels", "PolygonLabels", "RectangleLabels"] as const;
export type ControlTag = typeof CONTROL_TAGS[number];

/** The tag of a configuration that predictions are made for. */
export interface Control {
  readonly tag: ControlTag;
  /** `from_name` of predictions. */
  readonly name: string;
  /** `to_name`: the name of the image's tag. */
  readonly toName: string;
  /** The key of a task's data that holds the image. */
  readonly imageKey: string;
  /** The label that stands for a class, if any does. */
  labelOf(className: string): string | undefined;
}

/** Longest configuration read, in characters. */
const MAX_LENGTH = 256 * 1024;

/** A tag as the parser gives it. */
interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Tag[];
}

/**
 * Finds the tag of a labelling configuration that predictions are made for: the first `BrushLabels`, else
 * `PolygonLabels`, else `RectangleLabels` that belongs to an `Image`.
 *
 * A label stands for the classes that its attribute `predicted_values` lists, separated by commas, and for
 * that of its own name, whatever the case.
 *
 * @throws {OptionError} It is no XML, or has no such tag.
 */
export function findControl(config: string): Control {
  const tags = flatten(parse(config));
  const images = new Map(
    tags.filter(({ name }) => name === "Image")
      .map((
        { attributes },
      ) => [attributes.name ?? "", (attributes.value ?? "").replace(/^\$/, "")]),
  );
  for (const wanted of CONTROL_TAGS) {
    for (const tag of tags) {
      if (tag.name !== wanted) continue;
      const { name, toName } = tag.attributes;
      const imageKey = images.get(toName ?? "");
      if (!name || !toName || !imageKey) continue;
      const labels = labelsOf(tag);
      return {
        tag: wanted,
        name,
        toName,
        imageKey,
        labelOf: (className) => labels.get(className.toLowerCase()),
      };
    }
  }
  throw new OptionError(
    `The labelling configuration has none of ${CONTROL_TAGS.join(", ")} for an Image`,
  );
}

/** Labels by the classes, in lower case, that they stand for. */
function labelsOf(control: Tag): Map<string, string> {
  const labels = new Map<string, string>();
  const tags = flatten(control.children).filter(({ name }) => name === "Label");
  for (const { attributes } of tags) {
    const { value, alias, predicted_values: predicted = "" } = attributes;
    if (!value) continue;
    for (const name of predicted.split(",")) {
      if (name.trim() !== "") labels.set(name.trim().toLowerCase(), alias ?? value);
    }
  }
  // What is said to be predicted counts more than what a label is called.
  for (const { attributes: { value, alias } } of tags) {
    if (value && !labels.has(value.toLowerCase())) labels.set(value.toLowerCase(), alias ?? value);
  }
  return labels;
}

function flatten(tags: readonly Tag[]): Tag[] {
  return tags.flatMap((tag) => [tag, ...flatten(tag.children)]);
}

function parse(config: string): Tag[] {
  if (config.length > MAX_LENGTH) {
    throw new OptionError(
      `The labelling configuration has ${config.length} characters, limit is ${MAX_LENGTH}`,
    );
  }
  if (/<!DOCTYPE/i.test(config)) {
    throw new OptionError("The labelling configuration must not have a DOCTYPE");
  }
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "",
    attributesGroupName: ":@",
    parseAttributeValue: false,
    preserveOrder: true,
  });
  try {
    return (parser.parse(config, true) as Record<string, unknown>[]).flatMap(readTag);
  } catch (error) {
    throw new OptionError(
      `The labelling configuration is no XML: ${(error as Error).message.split("\n")[0]}`,
    );
  }
}

/** A node of the parser: the tag's name, with its children, beside its attributes. */
function readTag(node: Record<string, unknown>): Tag[] {
  return Object.entries(node).flatMap(([name, children]) => {
    if (!Array.isArray(children)) return [];
    const attributes = (node[":@"] ?? {}) as Record<string, string>;
    return [{ name, attributes, children: children.flatMap(readTag) }];
  });
}

/** What a set of images with image-level labels is, however it is laid out. */

import type { Mask } from "../raster.ts";
import type { DataClass } from "./class_list.ts";

/** Where something is to be read, or the text itself. */
export type Source = { readonly path: string } | { readonly text: string };

/** Images with the classes that are in them. */
export interface DataSet {
  /** The folder or file that was named. */
  readonly root: string;
  /** Foreground classes; label `i + 1` of a mask is that at place `i`. */
  readonly classes: readonly DataClass[];
  /** The list of images taken when none is named. */
  readonly defaultSet: string;

  /**
   * The ids of a list of images, in its order. Every id is the plain name of a file.
   *
   * @throws {RangeError} There can be no such list.
   * @throws {SyntaxError} The list cannot be read. Errors of reading pass through.
   */
  ids(set: string): Promise<string[]>;

  /** Path of an image's file. @throws {RangeError} There is no such image. */
  imagePath(id: string): string;

  /**
   * The classes in an image: ascending 0-based indices into {@linkcode classes}.
   *
   * @throws {SyntaxError} They cannot be read, or a class is unknown.
   */
  labels(id: string): Promise<number[]>;

  /** Where an image's classes are told: an XML annotation of VOC, or a JSON array of names. */
  labelSource(id: string): Source;

  /** Path of an image's true mask; `null` when it has none. */
  truthPath(id: string): string | null;

  /** The image's true mask: labels as in {@linkcode classes}, 255 = ignore. */
  truth(id: string): Promise<Mask>;
}

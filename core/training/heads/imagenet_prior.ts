/** What an ImageNet classifier already knows about the classes of VOC. */

import { VOC_CLASSES } from "../../voc/classes.ts";

/** Ranges of indices, both ends included, or single indices of ImageNet's 1000 classes. */
type Members = readonly (number | readonly [number, number])[];

/**
 * The classes of ILSVRC 2012 (in the usual order of sorted WordNet ids) that are kinds of a VOC class,
 * or for `person` and `pottedplant`, which ImageNet has not, come with it.
 */
const MEMBERS: Readonly<Record<string, Members>> = {
  aeroplane: [404, 895], // airliner, warplane
  bicycle: [444, 671], // tandem, mountain bike
  bird: [[7, 24], [80, 100], [127, 146]],
  // canoe, container ship, fireboat, gondola, lifeboat, liner, pirate, schooner, speedboat,
  // trimaran, yawl, catamaran
  boat: [472, 510, 554, 576, 625, 628, 724, 780, 814, 871, 914, 484],
  bottle: [440, 720, 737, 898, 907], // beer, pill, pop, water, wine
  bus: [654, 779, 874], // minibus, school bus, trolleybus
  // ambulance, beach wagon, cab, convertible, jeep, limousine, minivan, Model T, racer, sports car
  car: [407, 436, 468, 511, 609, 627, 656, 661, 751, 817],
  cat: [[281, 285]],
  chair: [423, 559, 765, 857], // barber chair, folding chair, rocking chair, throne
  cow: [345, 346], // ox, water buffalo
  diningtable: [532],
  dog: [[151, 268]],
  horse: [339], // sorrel
  motorbike: [665, 670], // moped, motor scooter
  person: [981, 982, 983], // ballplayer, groom, scuba diver
  pottedplant: [738], // pot
  sheep: [348, 349], // ram, bighorn
  sofa: [831], // studio couch
  train: [466, 547, 705, 820], // bullet train, electric locomotive, passenger car, steam locomotive
  tvmonitor: [527, 664, 681, 782, 851], // desktop computer, monitor, notebook, screen, television
};

/** The indices of ImageNet's classes that stand for a VOC class. @throws {RangeError} Unknown name. */
export function imagenetMembers(vocClass: string): number[] {
  const members = Object.hasOwn(MEMBERS, vocClass) ? MEMBERS[vocClass] : undefined;
  if (members === undefined) throw new RangeError(`No VOC class is called "${vocClass}"`);
  return members.flatMap((entry) => {
    if (typeof entry === "number") return [entry];
    const [first, last] = entry;
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/**
 * A direction in feature space for every class that VOC has: the mean of its members' rows in an ImageNet
 * classifier's last layer, minus the mean of all rows (which a softmax does not feel). Zero for others.
 *
 * @param rows `1000×C`
 * @param classes Names of the classes. Default: VOC's.
 * @returns `K×C`
 * @throws {TypeError} `rows` does not hold 1000 rows.
 */
export function imagenetDirections(
  rows: Float32Array,
  classes: readonly string[] = VOC_CLASSES,
): Float32Array {
  if (rows.length === 0 || rows.length % 1000 !== 0) {
    throw new TypeError(`ImageNet's classifier has 1000 rows, not ${rows.length / 1000}`);
  }
  const channels = rows.length / 1000;
  const all = meanRow(rows, channels, Array.from({ length: 1000 }, (_, i) => i));
  const result = new Float32Array(classes.length * channels);
  classes.forEach((name, c) => {
    if (!VOC_CLASSES.includes(name)) return;
    const own = meanRow(rows, channels, imagenetMembers(name));
    for (let k = 0; k < channels; k++) result[c * channels + k] = own[k]! - all[k]!;
  });
  return result;
}

function meanRow(rows: Float32Array, channels: number, indices: readonly number[]): Float64Array {
  const mean = new Float64Array(channels);
  for (const index of indices) {
    for (let k = 0; k < channels; k++) mean[k]! += rows[index * channels + k]! / indices.length;
  }
  return mean;
}

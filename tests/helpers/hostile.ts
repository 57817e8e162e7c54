/**
 * Requests that a service on a network may get from anybody: damaged images of every format, bombs,
 * other files, broken forms, absurd queries, headers and paths. Seeded: the same seed sends the same.
 */

import { DECODED, readFixture, REFUSED } from "../core/image/fixtures.ts";
import { mutate, seededRandom } from "../core/image/mutate.ts";
import { CAT, HEIC, HTML, makeBomb, TRUNCATED_CAT } from "./photos.ts";

/** A request to send. */
export interface HostileRequest {
  readonly what: string;
  readonly path: string;
  readonly init: RequestInit;
}

type Random = () => number;

/** Routes of stages, the quick ones more often, with options that keep the work of accepted ones small. */
const ROUTES = [
  ..."/cam /segment /cam?scales=1 /segment?format=overlay /cam?format=npz /segment?format=geojson"
    .split(" "),
  "/segment?format=coco",
  "/segment?format=scores",
  "/perimeter?iterations=2&working-size=64",
  "/refine?iterations=2&working-size=64",
  "/refine?iterations=2&working-size=64&walk=true&format=npz",
];

const NAMES =
  "labels scales mirror working-size threshold min-area method detector iterations seed fit " +
  "result mode format tolerance colours wait nonsense __proto__ constructor toString";
const VALUES = [
  "",
  "0",
  "-1",
  "1e309",
  "NaN",
  "Infinity",
  "0x10",
  "1,,2",
  ",",
  "cat,".repeat(4000),
  "1,".repeat(9000) + "1",
  "9".repeat(5000),
  "%00",
  "%ff%fe",
  "%F0%9F%90%88",
  "../../etc/passwd",
  "<script>",
  "true",
  "json",
  "both",
  "cat",
  "1e-300",
  "4.0000001",
  "16",
  "768",
];
const HEADERS: readonly [string, string][] = [
  ["Accept", "image/*;q=nonsense,;;,"],
  ["Accept", "text/html"],
  ["Accept", "*/*;q=0"],
  ["Accept", "a/b,".repeat(1500)],
  ["Prefer", "respond-async; wait=99999999999"],
  ["Prefer", "wait=-1, respond-async="],
  ["If-None-Match", "*"],
  ["If-None-Match", '"' + "x".repeat(4000) + '"'],
  ["X-Forwarded-For", "a".repeat(4000)],
  ["X-Request-Id", "../../x y\t" + "z".repeat(2000)],
  ["Content-Type", "multipart/form-data"],
  ["Content-Type", "multipart/form-data; boundary=" + "b".repeat(80)],
  ["Content-Encoding", "gzip"],
  ["Origin", "null"],
  ["Authorization", "Bearer " + "t".repeat(4000)],
];
const PATHS = [
  "/",
  "/%",
  "/segment/../cam",
  "//cam",
  "/cam/",
  "/jobs/%00",
  "/jobs/x/result",
  "/page/..",
];

type Kind = (random: Random) => Omit<HostileRequest, "what">;

const pick = <T>(random: Random, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)]!;
const bytes = (random: Random, length: number) =>
  Uint8Array.from({ length }, () => Math.floor(random() * 256));
const post = (path: string, body: BodyInit, headers: HeadersInit = {}) => ({
  path,
  init: { method: "POST", body, headers },
});

const FORMATS = DECODED.map(([name]) => readFixture(name));
const FOREIGN = REFUSED.map(([name]) => readFixture(name));
const BOMB = makeBomb();

const KINDS: Readonly<Record<string, Kind>> = {
  damaged: (random) =>
    post(pick(random, ROUTES), new Uint8Array(mutate(pick(random, FORMATS), random))),
  "damaged photo": (random) =>
    post(pick(random, ROUTES), new Uint8Array(mutate(pick(random, [CAT, TRUNCATED_CAT]), random))),
  bomb: (random) => post(pick(random, ROUTES), random() < 0.5 ? BOMB : lyingPng(random)),
  foreign: (random) =>
    post(pick(random, ROUTES), new Uint8Array(pick(random, [HTML, HEIC, ...FOREIGN]))),
  noise: (random) => post(pick(random, ROUTES), bytes(random, Math.floor(random() * 5000))),
  form: (random) => brokenForm(random),
  query: (random) => {
    const path = pick(random, ["/cam", "/segment", "/perimeter", "/refine"]);
    const pairs = Array.from(
      { length: 1 + Math.floor(3 * random()) },
      () => `${pick(random, NAMES.split(" "))}=${pick(random, VALUES)}`,
    );
    const query = [...pairs, "working-size=32", "iterations=1"].join("&");
    // Some are to fail for their query alone.
    return post(`${path}?${random() < 0.5 ? query : pairs.join("&")}`, FORMATS[0] as BodyInit);
  },
  header: (random) => {
    const [name, value] = pick(random, HEADERS);
    return post(pick(random, ["/cam", "/segment"]), FORMATS[1] as BodyInit, { [name]: value });
  },
  method: (random) => ({
    path: pick(random, [...ROUTES, ...PATHS]),
    init: { method: pick(random, ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]) },
  }),
  path: (random) => post(pick(random, PATHS), FORMATS[0] as BodyInit),
  adapter: (random) => {
    const image = btoa(String.fromCharCode(...pick(random, [HTML, CAT.subarray(0, 2000)])));
    const bodies = [
      "{",
      "[]",
      '{"image":1}',
      `{"image":"${image}"}`,
      '{"tasks":{}}',
      '{"tasks":[1]}',
    ];
    const path = pick(random, ["/cvat", "/label-studio/predict", "/label-studio/setup"]);
    return post(path, pick(random, bodies), { "Content-Type": "application/json" });
  },
};

/** The requests of a seed, images damaged most often. */
export function* hostileRequests(seed: number, count: number): Generator<HostileRequest> {
  const random = seededRandom(seed);
  const kinds = Object.keys(KINDS);
  for (let i = 0; i < count; i++) {
    const what = random() < 0.35 ? "damaged" : pick(random, kinds);
    yield { what, ...KINDS[what]!(random) };
  }
}

/** A PNG whose header promises another size than its pixels have, within 1 megapixel or far beyond. */
function lyingPng(random: Random): Uint8Array<ArrayBuffer> {
  const png = BOMB.slice();
  const view = new DataView(png.buffer);
  const side = () => pick(random, [0, 1, 100, 1000, 0x7fffffff, 0xffffffff]);
  view.setUint32(16, side());
  view.setUint32(20, side());
  return png;
}

function brokenForm(random: Random): Omit<HostileRequest, "what"> {
  const image = pick(random, FORMATS);
  const part = (name: string, disposition = `form-data; name="${name}"; filename="a"`) =>
    `--B\r\nContent-Disposition: ${disposition}\r\n\r\n`;
  const text = new TextEncoder();
  const join = (...pieces: (string | Uint8Array)[]) =>
    new Uint8Array(pieces.flatMap((it) => [...(typeof it === "string" ? text.encode(it) : it)]));
  const bodies = [
    () => join(part("image"), image),
    () => join(part("image"), image, "\r\n--B"),
    () => join(part("picture"), image, "\r\n--B--"),
    () => join(part("image", "attachment"), image, "\r\n--B--"),
    () => join(part("image", 'form-data; name="image'), image, "\r\n--B--"),
    () => join(part("image"), image, "\r\n", part("image"), image, "\r\n--B--"),
    () => join(part("a").repeat(40), "\r\n--B--"),
    () => join("--B\r\n" + "X: y\r\n".repeat(3000), "\r\n", image, "\r\n--B--"),
    () => join("\r\n--".repeat(5000)),
    () => new Uint8Array(mutate(join(part("image"), image, "\r\n--B--\r\n"), random)),
  ];
  return post(pick(random, ROUTES), pick(random, bodies)(), {
    "Content-Type": "multipart/form-data; boundary=B",
  });
}

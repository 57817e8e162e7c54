import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { decodeImage } from "../../../core/image/mod.ts";
import { quickest } from "../../helpers/quickest.ts";
import { assertTyped, DECODED, readFixture } from "./fixtures.ts";
import { mutate, seededRandom } from "./mutate.ts";

/** Small enough that no accepted file can take long; far beyond every fixture's own size. */
const LIMITS = { maxPixels: 1_000_000, maxSide: 4096 };
const MAX_MILLISECONDS = 2000;

/** What a fuzz run saw. */
export interface FuzzReport {
  accepted: number;
  refused: number;
  slowest: number;
  /** How often each text of a refusal occurred, numbers left out. */
  texts: Map<string, number>;
}

/**
 * Decodes `rounds` damaged copies of every fixture. Fails when one of them raises anything but the
 * three promised errors, takes more than two seconds, or gives a raster of the wrong length.
 */
export async function fuzzDecoder(seed: number, rounds: number): Promise<FuzzReport> {
  const random = seededRandom(seed);
  const report: FuzzReport = { accepted: 0, refused: 0, slowest: 0, texts: new Map() };
  for (let round = 0; round < rounds; round++) {
    for (const [name] of DECODED) {
      let bytes = mutate(readFixture(name), random);
      // Checksums would keep nearly all damage from the code behind them.
      if (name.endsWith(".png") && random() < 0.8) bytes = repairChecksums(bytes);
      const start = performance.now();
      try {
        const image = await decodeImage(bytes, { limits: LIMITS });
        assert.equal(image.data.length, image.width * image.height * 3);
        assert.ok(image.width * image.height <= LIMITS.maxPixels);
        report.accepted++;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assertTyped(error);
        const text = error.message.replaceAll(/\d+/g, "#");
        report.texts.set(text, (report.texts.get(text) ?? 0) + 1);
        report.refused++;
      }
      let took = performance.now() - start;
      if (took >= MAX_MILLISECONDS) {
        took = await quickest(
          MAX_MILLISECONDS,
          () => decodeImage(bytes, { limits: LIMITS }).catch(() => {}),
        );
      }
      assert.ok(took < MAX_MILLISECONDS, `${name}, seed ${seed}, round ${round}: ${took} ms`);
      report.slowest = Math.max(report.slowest, took);
    }
  }
  return report;
}

function repairChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

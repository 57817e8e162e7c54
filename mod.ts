/**
 * Semantic segmentation of photographs by classifiers that learnt from image labels only.
 *
 * ```ts
 * import { createSilop, encodeMaskPng } from "@silop/silop";
 *
 * using silop = createSilop();
 * const { mask } = await silop.segment(await Deno.readFile("examples/cat.jpg"));
 * await Deno.writeFile("cat.png", encodeMaskPng(mask));
 * ```
 *
 * `createApp` offers the same over HTTP, as a Hono app to serve or to mount in another one.
 *
 * @module
 */

export { createSilop, Silop, type SilopOptions } from "./core/silop.ts";
export type { WorkerReady } from "./core/runtime/stage_pool.ts";
export type { PoolState, RunOptions } from "./core/runtime/worker_pool.ts";
export { type ActualDevice, DEVICE_NAMES, type DeviceName } from "./core/runtime/device_names.ts";
export type { WorkPlan, WorkPlanOptions } from "./core/runtime/machine.ts";
export {
  type AffinityModelInfo,
  type CamModelInfo,
  DEFAULT_CAM_MODEL,
  EMBEDDED_MODELS,
  type ModelInfo,
  type Rgb,
  type SegmentationModelInfo,
} from "./core/runtime/models.ts";
export { type Legend, modelLegend } from "./core/runtime/legend.ts";
export { modelFolders } from "./core/runtime/model_folders.ts";
export { type ModelEntry, ModelLibrary } from "./core/runtime/model_library.ts";

export type { Cam, CamOptions } from "./core/stages/cam.ts";
export type { CamSummary, ClassScore } from "./core/stages/cam_stage.ts";
export type { SegmentedClass, SegmentOptions } from "./core/stages/segment.ts";
export type {
  Segmentation,
  SegmentStageOptions,
  SegmentSummary,
} from "./core/stages/segment_stage.ts";
export type { PerimeterBranch, PerimeterOptions, Perimeters } from "./core/stages/perimeter.ts";
export type { PerimeterBranchSummary, PerimeterSummary } from "./core/stages/perimeter_stage.ts";
export type { Refinement, RefineOptions } from "./core/stages/refine.ts";
export type { RefineSummary } from "./core/stages/refine_stage.ts";
export {
  type EdgeKind,
  FIT_RULES,
  type FitRule,
  type RefineResult,
  type SegmentMode,
} from "./core/stages/refine_choices.ts";
export type { StageName, StageOptions, StageResult, Timings } from "./core/stages/render.ts";
export { FILE_FORMATS, type FileFormat, type FileOptions } from "./core/stages/file_formats.ts";
export { type CocoDataset, cocoDataset, type RleKind } from "./core/formats/coco.ts";
export { type MaskFeatures, maskFeatures } from "./core/formats/geojson.ts";
export { maskPolygons, type Polygon } from "./core/formats/polygons.ts";
export { COLOUR_MAPS, type ColourMap, colourMapPalette } from "./core/image/mod.ts";

export type { Mask, Planes, Raster } from "./core/raster.ts";
export { type DecodedImage, decodeImage, type DecodeOptions } from "./core/image/mod.ts";
export { decodeMaskPng, encodeMaskPng, encodeRgbPng, vocPalette } from "./core/image/mod.ts";
export { drawOverlay, type OverlayOptions } from "./core/image/mod.ts";
export { DEFAULT_IMAGE_LIMITS, type ImageLimits } from "./core/image/mod.ts";
export { decodeNpz, encodeNpz, type NpyArray } from "./core/npz.ts";
export { IGNORE_LABEL, VOC_CLASSES } from "./core/voc/classes.ts";
export {
  DecodeError,
  DeviceError,
  LimitError,
  ModelError,
  OptionError,
  UnsupportedFormatError,
} from "./core/errors.ts";

export { type App, type AppOptions, createApp } from "./functions/app.ts";
export { camRoutes } from "./functions/cam.ts";
export { segmentRoutes } from "./functions/segment.ts";
export { perimeterRoutes } from "./functions/perimeter.ts";
export { refineRoutes } from "./functions/refine.ts";
export { cvatRoutes } from "./functions/adapters/cvat.ts";
export { type LabelStudioOptions, labelStudioRoutes } from "./functions/adapters/label_studio.ts";
export { healthRoutes } from "./functions/health.ts";
export { serveApp, type ServedApp, type ServeOptions } from "./functions/serve.ts";
export type { ServiceLimits } from "./functions/admission.ts";
export type { JobLimits, JobStatus } from "./functions/jobs.ts";
export type { SecurityOptions } from "./functions/security.ts";
export type { ServiceOptions } from "./functions/service.ts";
export type { Logger, Problem } from "./functions/problem.ts";
export type { RouteOptions } from "./functions/stage.ts";

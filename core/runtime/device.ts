/** Where networks run: execution providers of ONNX Runtime behind four plain names. */

import { existsSync } from "node:fs";
import process from "node:process";
import * as ort from "onnxruntime-node";
import { DeviceError } from "../errors.ts";
import { disableTelemetry } from "../telemetry.ts";
import type { ActualDevice, DeviceName } from "./device_names.ts";

/** Options of {@linkcode openSession}. */
export interface SessionOptions {
  /** Execution provider. Default: `"cpu"`. */
  device?: DeviceName;
  /** Threads inside one operator. Default: ONNX Runtime's choice, one per core. */
  threads?: number;
  /**
   * Plan the memory of all intermediate results as one block. Default: `true`. For graphs whose results are
   * large and short-lived, `false` halves the peak and costs no time.
   */
  memoryPattern?: boolean;
  /** Which of several GPUs, from 0. Default: the first. */
  gpu?: number;
  /**
   * Whether CUDA may round the factors of products to TensorFloat-32, which is faster on GPUs that have it.
   * Default: as ONNX Runtime does, which is `true`. `false` holds for the whole process, from before its
   * first session on CUDA; it needs `--allow-env=NVIDIA_TF32_OVERRIDE`. (A limit to the GPU's memory cannot
   * be set: the binding passes none on.)
   */
  tf32?: boolean;
}

/** A session and the device it was really created on. */
export interface OpenedSession {
  readonly session: ort.InferenceSession;
  readonly device: ActualDevice;
  /** Why `auto` did not take a GPU whose driver is there. */
  readonly fallback?: string;
}

const INSTALL_HINTS: Record<ActualDevice, string> = {
  cpu: "the CPU provider is part of onnxruntime-node; is this platform supported by it?",
  cuda: "put libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so of the same " +
    "ONNX Runtime version beside its binding (the package's install script does that) and CUDA 12 " +
    "with cuDNN 9 on the library path",
  webgpu: "a Vulkan, Metal or Direct3D 12 driver must be installed and a GPU be visible",
};

/**
 * Creates an ONNX Runtime session.
 *
 * @param model The bytes of an ONNX model, or the path of its file.
 * @throws {DeviceError} The device asked for by name does not work here; the text says what to install.
 */
export async function openSession(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<OpenedSession> {
  const { device = "cpu", threads, memoryPattern = true, gpu, tf32 } = options;
  if (device === "auto") return await openSessionAnywhere(model, options);
  disableTelemetry();
  // The binding hands CUDA no option but the GPU's number; its libraries read this one themselves.
  if (device === "cuda" && tf32 === false) process.env.NVIDIA_TF32_OVERRIDE = "0";
  const provider = device === "cuda" && gpu !== undefined
    ? { name: device, deviceId: gpu }
    : device;
  try {
    const session = await ort.InferenceSession.create(model as Uint8Array, {
      executionProviders: [provider],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      interOpNumThreads: 1,
      enableMemPattern: memoryPattern,
      logSeverityLevel: 3,
    });
    remember(session);
    return { session, device };
  } catch (error) {
    if (device === "cpu") throw error;
    const reason = (error as Error).message.split("\n")[0];
    throw new DeviceError(
      `Device "${device}" is not available here: ${INSTALL_HINTS[device]}. ` +
        `Use --device cpu meanwhile. (ONNX Runtime: ${reason})`,
      { cause: error },
    );
  }
}

/** The sessions open in this thread. */
const sessions = new Set<ort.InferenceSession>();

function remember(session: ort.InferenceSession): void {
  const release = session.release.bind(session);
  session.release = async () => {
    // A second time would be an error.
    if (sessions.delete(session)) await release();
  };
  sessions.add(session);
}

/** Releases all sessions of this thread. Ending it does not: their memory would stay taken. */
export async function releaseSessions(): Promise<void> {
  await Promise.all([...sessions].map((session) => session.release()));
}

/**
 * Creates a session on CUDA if that works, else on the CPU: what `auto` does.
 *
 * @param tryCuda Default: whether NVIDIA's driver is there; without one the attempt would only print
 *   native errors.
 */
export async function openSessionAnywhere(
  model: Uint8Array | string,
  options: Omit<SessionOptions, "device"> = {},
  tryCuda: boolean = hasNvidiaDriver(),
): Promise<OpenedSession> {
  let fallback: string | undefined;
  if (tryCuda) {
    try {
      return await openSession(model, { ...options, device: "cuda" });
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      fallback = error.message;
    }
  }
  return { ...await openSession(model, { ...options, device: "cpu" }), fallback };
}

/** Where NVIDIA's driver puts its library; WSL and containers have it at the last two. */
const CUDA_DRIVERS = [
  "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
  "/usr/lib/aarch64-linux-gnu/libcuda.so.1",
  "/usr/lib64/libcuda.so.1",
  "/usr/lib/wsl/lib/libcuda.so.1",
  "/usr/local/nvidia/lib64/libcuda.so.1",
];

/** Whether NVIDIA's driver is installed in one of its usual places. */
export function hasNvidiaDriver(): boolean {
  return CUDA_DRIVERS.some((path) => existsSync(path));
}

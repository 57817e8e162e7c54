/** The names of devices, apart from the runtime that knows how to use them. */

/** What a user may ask for. `auto` takes CUDA where it works and the CPU elsewhere. */
export const DEVICE_NAMES = ["auto", "cpu", "cuda", "webgpu"] as const;
export type DeviceName = typeof DEVICE_NAMES[number];

/** What a session really runs on. */
export type ActualDevice = Exclude<DeviceName, "auto">;

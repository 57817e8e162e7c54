/** The curves of learning rates, apart from the code that follows them. */

/** Names of the curves. */
export const SCHEDULE_NAMES = ["polynomial", "cosine", "constant"] as const;
export type ScheduleName = typeof SCHEDULE_NAMES[number];

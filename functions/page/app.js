/** The page: a photo goes in by any way there is, and what a stage finds in it is drawn over it. */

import { SCALE_NAMES } from "./colours.js";
import { draw } from "./draw.js";
import { listStages, make, showChoices, showClasses, showTimes } from "./panels.js";
import { encodeMask } from "./png.js";
import { curlCommand, Problem, runStage } from "./request.js";
import { describeResult, sayResult } from "./result.js";

/** Long side of the picture on the page; what is saved has the photo's size. */
const SCREEN_SIZE = 2048;
/** A stage is run once its choice has rested this long, so that arrow keys can pass over others. */
const REST_MS = 350;

const $ = (id) => document.getElementById(id);
const show = (element, shown) => element.hidden = !shown;

const unknown = { classes: [], colors: null };
let info = { cam: unknown, fast: unknown, modes: ["cam"], methods: [], maxBytes: Infinity };
let stages = [];
let stage;
/** `{ file, name, bitmap, results }`: results by request, as the page may come back to them. */
let photo = null;
let result = null;
let running = null;
let shownStage = "";
let token = "";
let waiting = 0;
const view = { layer: "", opacity: 0.6, hidden: new Set(), colours: SCALE_NAMES[0], lines: false };

await start();

async function start() {
  try {
    const response = await fetch("page/info.json");
    if (response.ok) info = { ...info, ...await response.json() };
  } catch {
    // The page was kept from earlier; what is missing is told when a photo is sent.
  }
  stages = listStages(info.modes);
  stage = stages.find(({ mode }) => mode === info.defaultMode) ?? stages[0];
  showChoices($("stages"), "stage", stages, stage.id, chooseStage);
  $("method").replaceChildren(
    make("option", { value: "" }, "the stage's own choice"),
    ...info.methods.map((name) => make("option", { value: name }, name)),
  );
  $("colours").replaceChildren(...SCALE_NAMES.map((name) => make("option", { value: name }, name)));
  listenForPhotos();
  listenToSettings();
  if ("serviceWorker" in navigator && isSecureContext) {
    const scope = new URL("./", document.baseURI).href;
    navigator.serviceWorker.register(new URL("page/offline.js", document.baseURI), { scope })
      .catch(() => {});
  }
  document.documentElement.dataset.ready = "true";
}

/* How photos come in */

function listenForPhotos() {
  for (const id of ["choose", "take"]) {
    $(id).addEventListener("change", ({ target }) => {
      if (target.files[0]) void openPhoto(target.files[0]);
      target.value = "";
    });
  }
  $("example").addEventListener("click", openExample);
  document.addEventListener("paste", ({ clipboardData }) => {
    const [file] = clipboardData?.files ?? [];
    if (file) void openPhoto(file);
  });
  const frame = $("frame");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    frame.classList.add("over");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) frame.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    frame.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) void openPhoto(file);
    else say("Only files can be dropped here; save the photo first.");
  });
}

async function openExample() {
  try {
    const response = await fetch("page/example.jpg");
    if (!response.ok) throw new Error();
    await openPhoto(new File([await response.blob()], "cat.jpg", { type: "image/jpeg" }));
  } catch {
    fail(new Problem("The example cannot be loaded", "Is the service running?"));
  }
}

async function openPhoto(file) {
  stop();
  photo?.bitmap?.close();
  const opened = { file, name: file.name || "photo.png", bitmap: null, results: new Map() };
  photo = opened;
  result = null;
  showProblem(null);
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (photo !== opened) return bitmap?.close();
  photo.bitmap = bitmap;
  showResult();
  if (file.size > info.maxBytes) {
    const limit = Math.floor(info.maxBytes / 2 ** 20);
    fail(new Problem("This photo is too large", `It may have ${limit} MiB at most.`));
  } else await run();
}

/* What is chosen */

function listenToSettings() {
  $("labels").addEventListener("change", rerun);
  $("method").addEventListener("change", rerun);
  $("retry").addEventListener("click", run);
  $("cancel").addEventListener("click", () => {
    stop();
    say("Stopped.");
    $("choose").focus();
  });
  $("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    token = $("token").value;
    void run();
  });
  $("opacity").addEventListener("input", ({ target }) => {
    view.opacity = target.value / 100;
    $("opacity-value").value = `${target.value} %`;
    redraw();
  });
  $("colours").addEventListener("change", ({ target }) => {
    view.colours = target.value;
    redraw();
  });
  $("lines").addEventListener("change", ({ target }) => {
    view.lines = target.checked;
    redraw();
  });
  $("compare").addEventListener("click", ({ currentTarget }) => {
    const pressed = currentTarget.getAttribute("aria-pressed") !== "true";
    currentTarget.setAttribute("aria-pressed", String(pressed));
    redraw();
  });
  $("save-picture").addEventListener("click", savePicture);
  $("save-mask").addEventListener("click", async () => {
    save(await encodeMask(result.mask, result.colours), "mask.png");
  });
  $("copy").addEventListener("click", copyCommand);
}

function chooseStage(id) {
  stage = stages.find((it) => it.id === id);
  show(
    $("method-field"),
    stage.stage !== "cam" && (stage.stage !== "segment" || stage.mode === "pipeline"),
  );
  rerun();
}

function rerun() {
  clearTimeout(waiting);
  if (photo) waiting = setTimeout(run, REST_MS);
}

function options() {
  const labels = $("labels").value.split(",").map((it) => it.trim()).filter(Boolean).join(",");
  const method = $("method-field").hidden ? "" : $("method").value;
  return { mode: stage.mode, labels, method };
}

/* What is run */

function stop() {
  clearTimeout(waiting);
  running?.abort();
  running = null;
  showRunning(false);
}

async function run() {
  stop();
  showProblem(null);
  const { name, stage: path } = stage;
  const chosen = options();
  const key = JSON.stringify([path, chosen]);
  const current = photo;
  const known = current.results.get(key);
  if (known) return finish(known, chosen);
  const mine = running = new AbortController();
  showRunning(true);
  say(`${name}: the photo is at work…`);
  try {
    const { signal } = mine;
    const answer = await runStage(current.file, path, chosen, { signal, token });
    if (running !== mine) return;
    const legend = chosen.mode === "fast" ? info.fast : info.cam;
    current.results.set(key, { ...answer, ...describeResult(answer.arrays, legend) });
    finish(current.results.get(key), chosen);
  } catch (error) {
    if (running !== mine) return;
    result = null;
    showResult();
    fail(error);
  } finally {
    if (running === mine) {
      running = null;
      showRunning(false);
    }
  }
}

function finish(found, chosen) {
  const { stage: path } = stage;
  result = found;
  view.hidden.clear();
  if (path !== shownStage) $("lines").checked = view.lines = path === "perimeter";
  shownStage = path;
  if (!result.layers.some(({ name }) => name === view.layer)) view.layer = result.layers[0]?.name;
  showResult();
  showTimes($("time-rows"), result.times, result.taken);
  $("command").textContent = curlCommand(stage.stage, chosen, photo.name, token);
  const unseen = photo.bitmap ? "" : " This browser cannot show the photo itself.";
  say(sayResult(stage.stage, result, result.taken) + unseen);
}

/* What is shown */

function showRunning(isRunning) {
  $("frame").setAttribute("aria-busy", String(isRunning));
  show($("progress"), isRunning);
  show($("cancel"), isRunning);
  if (!isRunning) return;
  const start = performance.now();
  const mine = running;
  const tick = () => {
    if (running !== mine) return;
    $("elapsed").textContent = `${((performance.now() - start) / 1000).toFixed(0)} s`;
    setTimeout(tick, 500);
  };
  tick();
}

function showResult() {
  const size = photo.bitmap ?? sizeOf(result);
  show($("intro"), size === null);
  show($("canvas"), size !== null);
  $("frame").classList.toggle("empty", size === null);
  const hasResult = result !== null;
  for (const id of ["times", "curl", "compare", "save-picture"]) show($(id), hasResult);
  show($("view"), hasResult);
  show($("save-mask"), hasResult && result.mask !== undefined);
  show($("classes"), hasResult && result.classes.length > 0);
  $("compare").setAttribute("aria-pressed", "false");
  if (hasResult) {
    const layers = result.layers.map(({ name }) => ({ id: name, name }));
    showChoices($("layers"), "layer", layers, view.layer, (name) => {
      view.layer = name;
      redraw();
    });
    show($("layers"), layers.length > 1);
    show($("lines-field"), result.lines.length > 0);
    showClasses($("class-list"), result, view.hidden, redraw);
  }
  if (size !== null) {
    const scale = Math.min(1, SCREEN_SIZE / Math.max(size.width, size.height));
    $("canvas").width = Math.round(size.width * scale);
    $("canvas").height = Math.round(size.height * scale);
  }
  redraw();
}

/** The size of the largest array, for photos that the browser cannot show. */
function sizeOf(found) {
  const shape = (found?.mask ?? found?.layers[0]?.array)?.shape;
  return shape ? { width: shape.at(-1), height: shape.at(-2) } : null;
}

function redraw() {
  const canvas = $("canvas");
  if (canvas.hidden) return;
  const alone = $("compare").getAttribute("aria-pressed") === "true";
  draw(canvas, photo.bitmap, alone ? null : result, view);
  const layer = result?.layers.find(({ name }) => name === view.layer);
  show($("colours-field"), layer?.kind === "heat");
  canvas.setAttribute("aria-label", describePicture(alone ? undefined : layer));
}

function describePicture(layer) {
  if (layer === undefined) return `The photo ${photo.name}`;
  const shown = result.classes.filter(({ index }) => !view.hidden.has(index));
  const names = layer.kind === "regions" ? [] : shown.map(({ name }) => name);
  const what = names.length > 0 ? ` of ${names.join(", ")}` : "";
  return `The photo ${photo.name} with the layer ${layer.name}${what}`;
}

function say(text) {
  $("status").textContent = text;
}

function fail(error) {
  say("");
  showProblem(
    error instanceof Problem
      ? error
      : new Problem("This did not work", "Try again, or another photo.", {
        detail: error.message,
        canRetry: true,
      }),
  );
}

function showProblem(problem) {
  show($("error"), problem !== null);
  if (problem === null) return;
  $("error-title").textContent = problem.message;
  $("error-hint").textContent = problem.hint;
  $("error-detail").textContent = problem.detail;
  show($("token-form"), problem.status === 401);
  show($("retry"), problem.canRetry);
}

/* What is taken away */

async function savePicture() {
  const canvas = document.createElement("canvas");
  const { width, height } = photo.bitmap ?? sizeOf(result);
  Object.assign(canvas, { width, height });
  draw(canvas, photo.bitmap, result, view);
  save(await new Promise((resolve) => canvas.toBlob(resolve, "image/png")), `${stage.stage}.png`);
}

function save(blob, ending) {
  const link = make("a", {
    href: URL.createObjectURL(blob),
    download: `${photo.name.replace(/\.\w+$/, "")}.${ending}`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  say(`Saved ${link.download}.`);
}

async function copyCommand() {
  try {
    await navigator.clipboard.writeText($("command").textContent);
    say("Copied the command.");
  } catch {
    // Without a secure context there is no clipboard to write to.
    getSelection().selectAllChildren($("command"));
    say("The command is selected; copy it with your keyboard.");
  }
}

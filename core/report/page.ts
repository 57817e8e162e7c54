/** The page of a report: one HTML file with all its pictures in it. */

import { html, raw } from "hono/html";
import { paletteOf } from "../data/class_list.ts";
import type { AblationRow } from "./ablation.ts";
import { tellMistake, worstMistakes } from "./failures.ts";
import { meanOf, type PartFigures, STAGE_TITLES } from "./figures.ts";
import { STYLE } from "./style.ts";
import type { Gallery, ReportParts, StageCost } from "./write_report.ts";

type Html = ReturnType<typeof html>;

const GROUPS: Readonly<Record<AblationRow["group"], string>> = {
  maps: "Maps, at the threshold that is best on these very images",
  labels: "Pseudo labels",
  segmentation: "Segmentation",
};

/** Renders the page. */
export async function renderPage(parts: ReportParts): Promise<string> {
  const { figures: { manifest, parts: lists, names, data, trainings }, costs, charts, galleries } =
    parts;
  const measured = lists.filter(({ stages }) => stages.length > 0);
  const page = html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>SILOP on ${baseName(manifest.data.path)}</title>
        <style>${raw(STYLE)}</style>
      </head>
      <body>
        <header>
    <h1>SILOP on ${baseName(manifest.data.path)}</h1>
    <p class="soft">${lists.map(({ part }, i) =>
      `${i > 0 ? "; " : ""}${part.images} images of ${part.name} ${
        { train: "to learn from", dev: "to choose on", test: "to report" }[part.role]
      }`
    ).join("")}. ${names.length - 1} classes. Recipe ${manifest.preset}, seed ${manifest.seed}.</p>
    ${tiles(parts)}
    <nav>
    ${measured.length > 0 ? html`<a href="#stages">Stages</a><a href="#classes">Classes</a>` : ""}
    ${measured.some(({ ablation }) => ablation.length > 0)
      ? html`<a href="#ablation">Ablation</a>`
      : ""}
    <a href="#images">Images</a>
    ${measured.length > 0 ? html`<a href="#failures">Failures</a>` : ""}
    <a href="#training">Training</a><a href="#cost">Time and memory</a><a href="#settings">Settings</a>
    </nav>
        </header>
        <main>
    ${measured.length === 0
      ? html`<p>No list of images has true masks: nothing could be measured.</p>`
      : ""}
    ${charts.stages === null ? "" : html`<section id="stages"><h2>Stage by stage</h2>
<p>Mean IoU over ${classesOfMean(measured[0]!, manifest.data.measured)}. Maps are cut at the
threshold that is best on the images to choose on, or, where there are none such, on these very
images.</p>
${figure(charts.stages)}
${measured.map((part) => stageTable(part))}
${
      measured.filter(({ part }) => charts.sweeps.has(part.part)).map(({ part }) =>
        html`<h3>Thresholds on ${part.name}</h3>${figure(charts.sweeps.get(part.part)!)}`
      )
    }</section>`}
    ${measured.length === 0 ? "" : html`<section id="classes"><h2>Class by class</h2>
${measured.map((part) => classTable(part))}</section>`}
    ${measured.some(({ ablation }) => ablation.length > 0)
      ? html`<section id="ablation"><h2>What the parts are worth</h2>
<p>The chain without its parts. Lines of one group are of the same images and can be compared; those
in bold are of the run itself.</p>
${measured.map((part) => ablationTable(part))}</section>`
      : ""}
    <section id="images"><h2>Images</h2>
    ${legend(names, paletteOf(data.classes))}
    ${lists.map(({ part }) =>
      (galleries.get(part.part) ?? []).map((gallery) => showGallery(gallery, part.name))
    )}</section>
    ${measured.length === 0 ? "" : html`<section id="failures"><h2>What goes wrong</h2>
${measured.map((part) => failures(part, names))}</section>`}
    <section id="training"><h2>Training</h2>
    ${trainings.length === 0 ? html`<p>Nothing was trained.</p>` : ""}
    ${trainings.map(({ name, lines }) => {
      const steps = lines.filter(({ kind }) => kind === "step").length;
      return html`<h3>${title(name)}</h3><p class="soft">${steps} steps</p>
${figure(charts.trainings.get(name)!)}`;
    })}</section>
    <section id="cost"><h2>Time and memory</h2>
    ${charts.times === null ? "" : figure(charts.times)}
    ${costTable(costs)}</section>
    <section id="settings"><h2>Settings</h2>
    <p>silop ${manifest.made.silop}, Deno ${manifest.made.deno}, ONNX Runtime ${manifest.made
      .onnxruntime};
    ${manifest.made.platform}, ${manifest.made.cores} processors.</p>
    <details><summary>Configuration</summary><pre>${JSON.stringify(
      manifest.config,
      null,
      2,
    )}</pre></details>
    <details><summary>Lists of images</summary><pre>${JSON.stringify(
      manifest.data.parts,
      null,
      2,
    )}</pre></details>
    <details><summary>Steps: commands and checksums</summary>
    <div class="scroll"><table><thead><tr><th>step</th><th>state</th><th>command</th><th>SHA-256</th></tr></thead>
    <tbody>${manifest.steps.map(({ name, status, task, args, results }) =>
      html`
        <tr>
          <td>${name}</td>
          <td class="text">${status}</td>
          <td class="text"><code>${task === null
            ? ""
            : `deno task ${task} ${args.join(" ")}`}</code></td>
          <td class="text"><code>${results?.slice(0, 16) ?? ""}</code></td>
        </tr>
      `
    )}</tbody></table></div></details></section>
        </main>
      </body>
    </html>
  `;
  return String(await page);
}

function tiles({ figures: { parts, manifest }, costs }: ReportParts): Html {
  const shown = parts.filter(({ part, stages }) => part.role !== "train" && stages.length > 0);
  const seconds = costs.reduce((sum, { seconds }) => sum + seconds, 0);
  const peak = Math.max(0, ...costs.map(({ peakMb }) => peakMb ?? 0));
  const values = [
    ...shown.flatMap(({ part, stages, overChosen }) => {
      const last = stages.at(-1)!;
      const name = (STAGE_TITLES[last.kind] ?? last.kind).toLowerCase();
      return [[`mIoU on ${part.name}, ${name}`, `${percent(meanOf(last.at, overChosen))} %`]];
    }),
    ["time, all steps", duration(seconds)],
    ["greatest memory of a step", peak === 0 ? "–" : `${(peak / 1024).toFixed(1)} GB`],
    ["begun", manifest.steps[0]?.began.slice(0, 10) ?? "–"],
  ];
  return html`<dl class="tiles">${
    values.map(([name, value]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>
      `
    )
  }</dl>`;
}

function classesOfMean({ overChosen }: PartFigures, measured: readonly string[]): string {
  return overChosen
    ? `background, ${measured.join(", ")}`
    : "the classes that occur in the true masks, background among them";
}

function stageTable({ part, stages, overChosen, unseen }: PartFigures): Html {
  return html`
    <div class="scroll">
      <table>
        <caption>${part.name}, ${part.images} images${unseen.length === 0
          ? ""
          : `; none shows ${unseen.join(", ")}`}</caption>
        <thead>
          <tr>
            <th>stage</th>
            <th>threshold</th>
            <th>mIoU</th>
            ${overChosen ? html`<th>mIoU, classes present</th>` : ""}
            <th>false positives</th>
            <th>false negatives</th>
          </tr>
        </thead>
        <tbody>${stages.map(({ kind, at, chosenHere }) =>
          html`
            <tr>
              <td>${STAGE_TITLES[kind] ?? kind}</td>
              <td>${at.threshold === null
                ? "–"
                : at.threshold.toFixed(2) + (chosenHere ? "*" : "")}</td>
              <td>${percent(meanOf(at, overChosen))}</td>
              ${overChosen ? html`<td>${percent(at.present)}</td>` : ""}
              <td>${percent(at.fp)}</td>
              <td>${percent(at.fn)}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>${stages.some(({ chosenHere }) => chosenHere)
      ? html`<p class="soft">* the best for these very images, which flatters</p>`
      : ""}
  `;
}

function classTable({ part, stages }: PartFigures): Html {
  const classes = stages[0]!.classes.map(({ name, pixels }, c) => ({ name, pixels, c }))
    .filter(({ pixels }) => pixels > 0);
  return html`
    <div class="scroll">
      <table>
        <caption>IoU on ${part.name}, %</caption>
        <thead>
          <tr><th>class</th>${stages.map(({ kind }) =>
            html`<th>${STAGE_TITLES[kind] ?? kind}</th>`
          )}</tr>
        </thead>
        <tbody>${classes.map(({ name, c }) =>
          html`<tr><td>${name}</td>${
            stages.map(({ classes }) => {
              const iou = classes[c]!.iou;
              return html`<td class="heat" style="--heat:${(0.55 * (iou ?? 0)).toFixed(2)}">${
                percent(iou)
              }</td>`;
            })
          }</tr>`
        )}</tbody>
      </table>
    </div>
  `;
}

function ablationTable({ part, ablation }: PartFigures): Html {
  if (ablation.length === 0) return html``;
  const groups = [...new Set(ablation.map(({ group }) => group))];
  return html`
    <div class="scroll">
      <table>
        <caption>${part.name}, ${ablation[0]!.images} images</caption>
        <thead>
          <tr>
            <th>variant</th>
            <th>mIoU</th>
            <th>against the first</th>
          </tr>
        </thead>
        <tbody>${groups.map((group) => {
          const rows = ablation.filter((row) => row.group === group);
          return html`
            <tr class="group">
              <th colspan="3">${GROUPS[group]}</th>
            </tr>${rows.map(({ title, iou, own }, i) =>
              html`
                <tr class="${own ? "own" : ""}">
                  <td>${title}</td>
                  <td>${percent(iou)}</td>
                  <td>${i === 0 ? "" : signed(iou - rows[0]!.iou)}</td>
                </tr>
              `
            )}
          `;
        })}</tbody>
      </table>
    </div>
  `;
}

function showGallery({ title, table: { columns, rows } }: Gallery, list: string): Html {
  const style = `grid-template-columns: repeat(${columns.length}, minmax(0, 1fr))`;
  return html`
    <h3>${title}, of ${list}</h3>
    <div class="gallery" style="${style}">${columns.map((name) =>
      html`<span class="head">${name}</span>`
    )}${rows.map(({ id, pictures }) =>
      html`${
        pictures.map((picture, c) =>
          picture === null
            ? html`<span></span>`
            : html`<img src="${picture}" alt="${columns[c] ?? ""} of ${id}">`
        )
      }<span class="id">${id}</span>`
    )}</div>
  `;
}

function legend(names: readonly string[], palette: Uint8Array): Html {
  return html`<p class="classes">${
    names.slice(1).map((name, i) => {
      const [r, g, b] = palette.subarray(3 * (i + 1), 3 * (i + 2));
      return html`<span><i style="background: rgb(${r}, ${g}, ${b})"></i>${name}</span>`;
    })
  }</p>`;
}

function failures(
  { part, images, confusion, stages }: PartFigures,
  names: readonly string[],
): Html {
  if (confusion === null) return html``;
  const kind =
    stages.findLast(({ sweep }) => sweep.every(({ threshold }) => threshold === null))!.kind;
  return html`<h3>${part.name}: ${(STAGE_TITLES[kind] ?? kind).toLowerCase()}</h3>
<p>The mistakes that cost the most pixels:</p>
<ul>${worstMistakes(confusion, 8).map((it) => html`<li>${tellMistake(it, names)}</li>`)}</ul>
<p>The worst images, by the mean IoU of the classes in them:</p>
<ul>${
    images.slice(0, 8).map(({ id, iou, confusion }) =>
      html`<li><code>${id}</code>, ${percent(iou)} %: ${
        worstMistakes(confusion, 2).map((it) => tellMistake(it, names)).join("; ")
      }</li>`
    )
  }</ul>`;
}

function costTable(costs: readonly StageCost[]): Html {
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>stage</th>
            <th>images</th>
            <th>time</th>
            <th>per image</th>
            <th>memory</th>
          </tr>
        </thead>
        <tbody>${costs.map(({ stage, seconds, peakMb, images }) =>
          html`
            <tr>
              <td>${stage}</td>
              <td>${images === 0 ? "–" : images}</td>
              <td>${duration(seconds)}</td>
              <td>${images === 0 || stage.endsWith("training")
                ? "–"
                : `${(seconds / images).toFixed(2)} s`}</td>
              <td>${peakMb === null ? "–" : `${peakMb} MB`}</td>
            </tr>
          `
        )}</tbody>
      </table>
    </div>
    <p class="soft">Times are of all sittings, with what starting a program
    takes; memory is the largest resident size of the process of a step with all its workers.</p>
  `;
}

function figure(svg: string): Html {
  return html`<figure>${raw(svg)}</figure>`;
}

function title(name: string): string {
  return name === "affinity" ? "AffinityNet" : name[0]!.toUpperCase() + name.slice(1);
}

function percent(value: number | null): string {
  return value === null || Number.isNaN(value) ? "–" : (100 * value).toFixed(1);
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(1)}`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function baseName(path: string): string {
  return path.replace(/[\\/]+$/, "").split(/[\\/]/).at(-1)!;
}

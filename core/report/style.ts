/** The style of the report: light and dark by the reader's taste, and fit for paper. */

export const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #5c6670; --line: #d9dee3;
  --card: #f5f7f9; --mark: 0, 114, 178; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #15181b; --soft: #9aa4ad;
  --line: #343a40; --card: #1e2226; --mark: 86, 180, 233; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 72rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 2.8rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.02rem; margin: 1.6rem 0 .4rem; }
p { max-width: 46rem; margin: .4rem 0; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .7rem 1rem; min-width: 9rem; flex: 1; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
nav { margin: 1rem 0 0; } nav a { margin-right: 1rem; } a { color: inherit; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
caption { text-align: left; color: var(--soft); font-size: .9rem; padding-bottom: .3rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
td.text { text-align: left; }
td.heat { background: rgba(var(--mark), var(--heat)); }
tr.own { font-weight: 600; } tr.group th { padding-top: .9rem; color: var(--soft); font-weight: 500; }
figure { margin: .8rem 0; } figure svg { max-width: 100%; height: auto; display: block; }
.gallery { display: grid; gap: .35rem; align-items: end; margin: .5rem 0 1.2rem; }
.gallery img { width: 100%; display: block; border-radius: 3px; background: var(--card); }
.gallery .head { color: var(--soft); font-size: .8rem; }
.gallery .id { grid-column: 1 / -1; color: var(--soft); font-size: .8rem; overflow-wrap: anywhere; }
.classes { display: flex; flex-wrap: wrap; gap: .2rem .9rem; font-size: .85rem; }
.classes i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em;
  border: 1px solid var(--line); }
ul { padding-left: 1.2rem; max-width: 60rem; } li { margin: .2rem 0; }
details { margin: .6rem 0; } summary { cursor: pointer; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .8rem;
  overflow-x: auto; font-size: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-size: .85em; overflow-wrap: anywhere; }
@media print { :root { --ink: #000; --paper: #fff; --soft: #444; --line: #bbb; --card: #f5f5f5;
    --mark: 0, 114, 178; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  h2, h3 { break-after: avoid; } figure, tr, .gallery img { break-inside: avoid; }
  .gallery .id { break-before: avoid; } .scroll { overflow: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 15mm; } }
`;

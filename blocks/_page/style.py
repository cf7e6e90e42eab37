"""The report's style and script, kept inside the page: it loads nothing."""

from __future__ import annotations

__all__ = ["SCRIPT", "STYLE"]

STYLE = """
:root { color-scheme: light dark;
  --paper: #f7f7f5; --card: #ffffff; --ink: #1c2024; --soft: #5b6470; --line: #e2e4e1; --faint: #eef0ed;
  --accent: #0f766e; --accent-soft: #0f766e22; --mark: #b45309; --warn: #7c2d12; --warn-paper: #fff1e6;
  --shade: #0003; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #121517; --card: #1a1e21; --ink: #e8eaec; --soft: #9aa4af; --line: #2c3338; --faint: #22282c;
  --accent: #2dd4bf; --accent-soft: #2dd4bf26; --mark: #fbbf24; --warn: #fed7aa; --warn-paper: #3a2415;
  --shade: #000c; }
  .constellation image { filter: brightness(1.45); } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 Inter, "Segoe UI", system-ui, -apple-system, "Helvetica Neue", sans-serif; }
main, header, footer { max-width: 72rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem); }
header { padding-top: clamp(1.75rem, 5vw, 3.5rem); }
.over { margin: 0; color: var(--accent); font-size: .8125rem; font-weight: 600; letter-spacing: .04em; }
h1 { margin: .3rem 0 .5rem; font-size: clamp(1.65rem, 4.5vw, 2.5rem); line-height: 1.15; font-weight: 650;
  letter-spacing: -.022em; overflow-wrap: anywhere; text-wrap: balance; }
h2 { margin: 0 0 .35rem; font-size: 1.25rem; line-height: 1.3; font-weight: 640; letter-spacing: -.012em; }
h3 { margin: 0; font-size: 1rem; font-weight: 620; overflow-wrap: anywhere; }
p { margin: 0 0 .75rem; max-width: 46rem; }
.doc { font-size: 1.0625rem; color: var(--soft); }
.note { color: var(--soft); font-size: .9rem; }
section { margin-top: clamp(2.25rem, 5vw, 3.5rem); }
.warning { margin: 1.25rem 0 0; padding: .8rem 1rem; border-radius: .6rem; max-width: none;
  border-left: 4px solid var(--mark); background: var(--warn-paper); color: var(--warn); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .8rem;
  padding: clamp(.9rem, 2.5vw, 1.4rem); }
.tiles { display: flex; flex-wrap: wrap; gap: 1px;
  margin: 1.5rem 0 0;
  padding: 0; overflow: hidden; background: var(--line); border: 1px solid var(--line); border-radius: .8rem; }
.tiles div { background: var(--card); padding: .9rem 1rem 1rem; display: flex; flex-direction: column;
  flex: 1 1 9.25rem; }
.tiles dt { font-size: .8125rem; color: var(--soft); font-weight: 560; }
.tiles dd { margin: 0; }
.tiles .value { font-size: 1.6rem; line-height: 1.3; font-weight: 640; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.tiles .value small { font-size: .95rem; font-weight: 500; letter-spacing: 0; color: var(--soft); }
.tiles .more { font-size: .8125rem; line-height: 1.4; color: var(--soft); font-variant-numeric: tabular-nums; }
.pictures { display: grid; gap: 1.1rem; margin-top: 1rem; }
.picture > .top { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem 1rem; margin-bottom: .8rem; }
.picture .figures { margin: 0; color: var(--soft); font-size: .9rem; font-variant-numeric: tabular-nums; }
.picture .figures b { color: var(--ink); font-weight: 620; }
.row { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.row.lone { grid-template-columns: minmax(0, 32rem); }
figure { margin: 0; min-width: 0; }
figcaption { margin-top: .4rem; font-size: .875rem; color: var(--soft); }
img { display: block; max-width: 100%; }
.row img, .compare img { width: 100%; height: auto; border-radius: .4rem; background: var(--faint); }
img.tiny { image-rendering: pixelated; }
button { font: inherit; font-size: .875rem; margin-left: auto; padding: .3rem .8rem; border-radius: 2rem;
  cursor: pointer;
  border: 1px solid var(--line); background: transparent; color: var(--ink); }
button:hover { border-color: var(--accent); color: var(--accent); }
button[aria-pressed=true] { background: var(--accent-soft); border-color: transparent; color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.compare { position: relative; max-width: 46rem; margin: 0 auto; --at: 50%; }
.compare .over-it { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.compare::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 0 1px #0006; pointer-events: none; }
.compare span { position: absolute; bottom: .5rem; padding: .05rem .5rem; border-radius: 1rem; font-size: .8125rem;
  background: #000a; color: #fff; pointer-events: none; }
.compare .left { left: .5rem; } .compare .right { right: .5rem; }
.compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize;
  z-index: 1; }
.compare:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .4rem; }
[hidden] { display: none !important; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem 0; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--soft); font-size: .8125rem; font-weight: 560; }
tbody tr:first-child > * { border-top: 0; }
thead + tbody tr:first-child > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 500; color: var(--soft); padding-right: 1rem; }
td { font-variant-numeric: tabular-nums; }
td small { display: block; color: var(--soft); font-size: .8125rem; line-height: 1.45; }
.facts tbody th { width: 38%; overflow-wrap: break-word; }
.number { text-align: right; white-space: nowrap; }
.bars th[scope=row] { width: 28%; color: var(--ink); line-height: 1.35; }
.bars td { vertical-align: middle; } .bars .bar { padding-right: .9rem; }
.bars td.number { width: 4.2em; font-weight: 560; }
.bars svg { display: block; width: 100%; height: .8rem; border-radius: .2rem; }
.bars .track { fill: var(--faint); } .bars .value { fill: var(--accent); }
svg .grid { stroke: var(--line); stroke-width: 1; fill: none; vector-effect: non-scaling-stroke; }
.bars .grid { stroke: var(--card); stroke-opacity: .55; }
svg .mean { stroke: var(--mark); stroke-width: 2; vector-effect: non-scaling-stroke; }
.curve { position: relative; padding-left: 2.4rem; margin-top: .75rem; }
.curve svg { display: block; width: 100%; height: clamp(9rem, 24vw, 15rem); overflow: visible; }
.curve .band { fill: var(--accent-soft); }
.curve .line { fill: none; stroke: var(--accent); stroke-width: 1.75; vector-effect: non-scaling-stroke; }
.curve .scale { position: absolute; left: 0; top: 0; width: 2rem; height: clamp(9rem, 24vw, 15rem); }
.curve .scale span { position: absolute; right: .3rem; transform: translateY(-50%); font-size: .8125rem;
  color: var(--soft); }
.curve .ends { display: flex; justify-content: space-between; font-size: .8125rem; color: var(--soft);
  margin-top: .35rem; }
.halves { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.plot { display: block; width: 100%; height: auto; margin-top: .4rem; }
.plot .frame { fill: var(--faint); } .plot .grid { stroke: var(--line); }
.plot .line { fill: none; stroke: var(--accent); stroke-width: 1.75; stroke-linejoin: round; }
.plot .faint { fill: none; stroke: var(--accent); stroke-opacity: .28; stroke-width: 1.25; }
.plot .dot { fill: var(--accent); }
.plot .mark { fill: none; stroke: var(--mark); stroke-width: 1.5; stroke-dasharray: 5 4; }
.plot text { font-size: 11.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.plot .said { fill: var(--mark); }
.constellation { display: block; width: 100%; max-width: 26rem; height: auto; margin: .4rem auto 0; }
.constellation .frame { fill: var(--faint); }
.constellation .grid { stroke: var(--line); } .constellation .axis { stroke: var(--soft); stroke-opacity: .55; }
.constellation .unit { fill: none; stroke: var(--mark); stroke-dasharray: 4 4; stroke-width: 1.25; }
.constellation text { font-size: 11.5px; fill: var(--soft); }
.scroll { overflow-x: auto; max-width: 100%; background: linear-gradient(to right, var(--card) 30%, transparent) left,
  linear-gradient(to left, var(--card) 30%, transparent) right, linear-gradient(to right, var(--shade),
  transparent) left,
  linear-gradient(to left, var(--shade), transparent) right;
  background-size: 3rem 100%, 3rem 100%, .8rem 100%, .8rem 100%;
  background-repeat: no-repeat; background-attachment: local, local, scroll, scroll; }
.graph img { max-width: 100%; height: auto; margin: 0 auto; }
pre { margin: .75rem 0 0; padding: 1rem; overflow: auto; max-height: 34rem; border-radius: .5rem;
  background: var(--faint);
  font: .8125rem/1.55 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; tab-size: 2; }
code { font: .9em ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
details { margin-top: 1.1rem; } summary { cursor: pointer; font-weight: 560; }
summary:hover { color: var(--accent); }
footer { margin-top: 3.5rem; padding-top: 1.25rem; padding-bottom: 2.5rem; color: var(--soft); font-size: .875rem; }
@media (max-width: 34rem) {
  .picture .figures { order: 3; flex-basis: 100%; }
  table { font-size: .875rem; } .bars th[scope=row] { width: 34%; } .facts tbody th { width: 40%;
  padding-right: .6rem; } }
@media print { body { background: #fff; } .card, .tiles { break-inside: avoid; } button { display: none; } }
"""

SCRIPT = """
for (const card of document.querySelectorAll('.picture')) {
  const row = card.querySelector('.row'), shown = row.querySelectorAll('img');
  if (shown.length < 3) continue;
  const button = document.createElement('button');
  button.type = 'button'; button.textContent = 'Compare'; button.setAttribute('aria-pressed', 'false');
  let box = null;
  button.addEventListener('click', () => {
    if (!box) box = row.parentNode.insertBefore(slider(shown[0], shown[1]), row.nextSibling);
    const on = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(on)); box.hidden = !on; row.hidden = on;
    if (on) box.querySelector('input').focus({preventScroll: true});
  });
  card.querySelector('.top').append(button);
}
function slider(sent, received) {
  const box = document.createElement('div'), over = sent.cloneNode(), at = document.createElement('input');
  box.className = 'compare'; over.classList.add('over-it');
  at.type = 'range'; at.min = 0; at.max = 100; at.step = .5; at.value = 50;
  at.setAttribute('aria-label', 'Share of the sent picture that covers the received one, percent');
  at.addEventListener('input', () => box.style.setProperty('--at', at.value + '%'));
  box.append(received.cloneNode(), over, tag('left', 'sent'), tag('right', 'received'), at);
  return box;
}
function tag(side, text) {
  const span = document.createElement('span');
  span.className = side; span.textContent = text;
  return span;
}
"""

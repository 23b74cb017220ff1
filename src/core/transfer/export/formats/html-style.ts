/** The style of the page: narrow and wide screens, light and dark, and paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #faf9f7; --card: #ffffff; --ink: #1f1e1c; --muted: #6a665f; --line: #e3dfd8;
  --said: #edf1f8; --accent: #2f5f9e; --code: #f3f1ed;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Noto Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161719; --card: #1d1f22; --ink: #e5e3df; --muted: #a09c95; --line: #34363a;
    --said: #232c3a; --accent: #92b8ec; --code: #111214;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; padding: 0 max(1.1rem, env(safe-area-inset-left)) 3rem;
  background: var(--page); color: var(--ink); font: 1rem/1.62 var(--sans);
  display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 3.5rem;
  overflow-wrap: anywhere; tab-size: 4;
}
a { color: var(--accent); text-underline-offset: 0.2em; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
h1, h2, h3, p, ol, figure { margin: 0; padding: 0; }
h1 { padding: 2rem 0 1.25rem; font-size: 0.95rem; font-weight: 600; letter-spacing: 0.01em; color: var(--muted); }
h2 { font-size: 1.6rem; line-height: 1.25; font-weight: 680; letter-spacing: -0.015em; text-wrap: balance; }
time { white-space: nowrap; }
.facts { display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; color: var(--muted); font-size: 0.85rem; }
nav { grid-row: 2; margin-bottom: 3rem; }
nav h2 { font-size: 1rem; letter-spacing: 0; }
nav > .facts { margin-bottom: 0.75rem; }
nav ol {
  list-style: none; max-height: 60vh; max-height: 60dvh; overflow-y: auto;
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
}
nav li + li { border-top: 1px solid var(--line); }
nav a { display: block; padding: 0.65rem 1rem; text-decoration: none; color: inherit; line-height: 1.4; }
nav a:hover .title { color: var(--accent); text-decoration: underline; }
nav .title { display: block; font-weight: 550; text-wrap: pretty; }
.chat + .chat { margin-top: 4.5rem; padding-top: 4rem; border-top: 1px solid var(--line); }
.chat > header { margin-bottom: 2rem; }
.chat > header .facts { margin-top: 0.6rem; }
details { margin-top: 0.9rem; font-size: 0.92rem; }
summary { cursor: pointer; color: var(--muted); }
details .text { margin-top: 0.5rem; padding-inline-start: 1rem; border-inline-start: 3px solid var(--line); }
.message { margin-top: 2rem; }
.message > header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.9rem; margin-bottom: 0.35rem; }
h3 { font-size: 0.9rem; font-weight: 680; }
.user { padding: 0.9rem 1.1rem 1rem; background: var(--said); border-radius: 14px; }
.user h3 { color: var(--accent); }
.system { padding: 0.1rem 0 0.1rem 1.1rem; border-inline-start: 3px solid var(--line); color: var(--muted); font-size: 0.95rem; }
.text { white-space: pre-wrap; unicode-bidi: plaintext; }
.none { color: var(--muted); font-style: italic; }
.code { margin: 0.8rem 0; background: var(--code); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.code figcaption { padding: 0.45rem 1rem 0; color: var(--muted); font: 0.75rem/1.4 var(--mono); }
pre { margin: 0; padding: 0.75rem 1rem; white-space: pre-wrap; font: 0.86rem/1.55 var(--mono); }
code { font: inherit; }
.code-point {
  padding: 0 0.3em; border: 1px solid var(--line); border-radius: 4px; color: var(--muted);
  font: 0.72em var(--mono); white-space: nowrap; unicode-bidi: isolate;
}
.up { margin-top: 2rem; font-size: 0.85rem; }
@media (min-width: 60rem) {
  body { grid-template-columns: minmax(13rem, 18rem) minmax(0, 44rem); justify-content: center; font-size: 1.05rem; }
  h1 { grid-column: 1 / -1; }
  h2 { font-size: 1.9rem; }
  main { grid-column: 2; grid-row: 2; }
  main:last-child { grid-column: 1 / -1; max-width: 44rem; margin: 0 auto; }
  nav { position: sticky; top: 1.5rem; align-self: start; margin: 0; }
  nav ol { max-height: calc(100vh - 6.5rem); }
  nav a { padding: 0.5rem 0.9rem; font-size: 0.92rem; }
}
@media print {
  :root {
    color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --muted: #555; --line: #ccc;
    --said: #f1f3f7; --accent: #1d4477; --code: #f7f7f7;
  }
  body { display: block; padding: 0; font-size: 10.5pt; line-height: 1.5; }
  nav ol { max-height: none; }
  nav { break-before: page; }
  nav li { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .up { display: none; }
  h1 { padding: 0 0 1rem; }
  .chat + .chat { margin: 0; padding: 0; border: 0; break-before: page; }
  h2, h3, .message > header, .code figcaption { break-after: avoid; }
  .user { border: 1px solid var(--line); box-decoration-break: clone; -webkit-box-decoration-break: clone; }
  .text, pre { orphans: 3; widows: 3; }
}
`

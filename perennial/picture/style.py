"""How the page looks: in light and in dark, on a wide screen and on a narrow one."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #1c2430; --quiet: #5b6675; --line: #d9dee5;
  --challenger: #b8d4f0; --champion: #e4e7ec; --control: #cdd3dc; --on: #1c2430;
  --pass: #2e8b57; --fail: #c0392b; --error: #8e44ad; --inconclusive: #c78a1b; --no_data: #7f8a99;
  --pass-in: #cfeeda; --fail-in: #f6c9c4; --error-in: #e6cff0; --inconclusive-in: #f8e3b4;
  --no_data-in: #ffffff; --waited: #fff3cd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --ink: #e4e8ee; --quiet: #98a3b3; --line: #333c48;
    --challenger: #1f4f82; --champion: #2a313b; --control: #3b4552; --on: #f0f3f7;
    --pass: #5fcf8f; --fail: #ff7b6b; --error: #cf92ea; --inconclusive: #e9b949;
    --no_data: #98a3b3; --pass-in: #1d4a32; --fail-in: #6a2119; --error-in: #4b2460;
    --inconclusive-in: #57420f; --no_data-in: #12161c; --waited: #3d3413;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 24px 20px 40px; }
h1 { font-size: 24px; margin: 0 0 6px; } h2 { font-size: 18px; margin: 28px 0 2px; }
p { margin: 0 0 6px; } .quiet, footer { color: var(--quiet); font-size: 13px; }
footer { margin-top: 28px; }
.outcome b { padding: 1px 8px; border-radius: 4px; background: var(--champion); }
.outcome.promoted b { background: var(--pass-in); }
.outcome.denied b, .outcome.failed b { background: var(--fail-in); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; margin: 8px 0; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px;
  vertical-align: -1px; border: 1px solid var(--line); }
.swatch.challenger { background: var(--challenger); }
.swatch.champion { background: var(--champion); }
.swatch.control { background: var(--control); } .swatch.waited { background: var(--waited); }
.swatch.pass { background: var(--pass-in); } .swatch.fail { background: var(--fail-in); }
.swatch.error { background: var(--error-in); } .swatch.no_data { background: var(--no_data-in); }
.swatch.inconclusive { background: var(--inconclusive-in); }
svg { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif; }
svg text { fill: var(--on); text-anchor: middle; }
svg text.axis { fill: var(--quiet); text-anchor: start; } svg text.axis.end { text-anchor: end; }
svg text.axis.mid { text-anchor: middle; }
.grid { stroke: var(--line); } .step { stroke: var(--quiet); stroke-dasharray: 3 3; }
.challenger rect { fill: var(--challenger); } .champion rect { fill: var(--champion); }
.control rect { fill: var(--control); } .wait rect { fill: var(--waited); }
.variant rect, .verdict rect { stroke: var(--ground); }
.verdict.pass rect { fill: var(--pass-in); } .verdict.fail rect { fill: var(--fail-in); }
.verdict.error rect { fill: var(--error-in); } .verdict.no_data rect { fill: var(--no_data-in); }
.verdict.no_data rect { stroke: var(--line); }
.verdict.inconclusive rect { fill: var(--inconclusive-in); }
.decision circle { fill: var(--ground); stroke: var(--pass); stroke-width: 1.5; }
.decision.deny circle { stroke: var(--fail); }
svg .decision text { fill: var(--pass); font-size: 10px; }
svg .decision.deny text { fill: var(--fail); }
.wide { overflow-x: auto; margin-top: 16px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; color: var(--quiet); font-weight: 600; }
th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:not(:last-child) { white-space: nowrap; } td:last-child { width: 99%; }
b.pass { color: var(--pass); } b.fail { color: var(--fail); } b.error { color: var(--error); }
b.inconclusive { color: var(--inconclusive); } b.no_data { color: var(--no_data); }
"""

CHARTS = """
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px;
  margin: 16px 0 8px; }
.facts div { border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; }
.facts span { display: block; color: var(--quiet); font-size: 12px; }
.facts b { font-size: 18px; font-weight: 600; }
h3 { font-size: 15px; margin: 20px 0 4px; }
svg { margin: 4px 0 10px; }
.limit { stroke: var(--fail); stroke-dasharray: 6 4; stroke-width: 1; }
.line { fill: none; stroke-width: 1.8; } .lead { stroke: var(--line); fill: none; }
.l1 { --c: #1f6feb; } .l2 { --c: #b35900; } .l3 { --c: #2e8b57; } .l4 { --c: #8e44ad; }
.l5 { --c: #b8336a; } .l6 { --c: #5b6675; }
@media (prefers-color-scheme: dark) {
  .l1 { --c: #6cb0ff; } .l2 { --c: #f0a35b; } .l3 { --c: #5fcf8f; } .l4 { --c: #cf92ea; }
  .l5 { --c: #ff8fb3; } .l6 { --c: #98a3b3; }
}
path.line { stroke: var(--c); } .dot circle { fill: var(--c); }
path.l2 { stroke-dasharray: 7 3; } path.l3 { stroke-dasharray: 2 3; }
path.l4 { stroke-dasharray: 9 3 2 3; } path.l5 { stroke-dasharray: 4 4; }
path.l6 { stroke-dasharray: 3 2; }
svg text.name { fill: var(--c); text-anchor: start; }
.coverage rect { fill: var(--champion); }
.odd rect { fill: var(--challenger); stroke: var(--ground); }
.even rect { fill: var(--control); stroke: var(--ground); }
.action rect { fill: var(--waited); stroke: var(--inconclusive); }
.action.roll_back rect, .action.stop_serving rect { fill: var(--fail-in); stroke: var(--fail); }
.cause { border-left: 3px solid var(--line); padding: 0 0 2px 14px; margin: 14px 0; }
.cause.fail, .cause.error { border-color: var(--fail); }
.cause.inconclusive { border-color: var(--inconclusive); }
.cause ul { margin: 2px 0 6px; padding-left: 18px; } .cause li { margin: 1px 0; }
.cause h4 { font-size: 13px; margin: 6px 0 0; color: var(--quiet); font-weight: 600; }
.pairs { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 0 24px; }
.bar { display: inline-block; height: 9px; background: var(--challenger); margin-right: 6px; }
a { color: inherit; }
"""

/**
 * Line and bar charts as SVG text, for the plots beside a table of results. No dependency, no script,
 * no style sheet: the file looks the same in a browser, in a README and in an image viewer. It draws
 * the given data; it does not sample, smooth or sort.
 */

const height = 420;
const plot = { left: 72, right: 590, top: 48, bottom: height - 56 };
const font = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';

/** Colours that colour-blind readers can distinguish (M. Okabe, K. Ito, 2008), darkest first. */
const colours = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#444444', '#8C6D31', '#A6B800', '#7A5195'];
/** Together with the colour, these distinguish lines in print. */
const dashes = ['', '7 4', '2 3', '10 3 2 3'];

/**
 * @param {{ title: string, xLabel: string, yLabel: string, logX?: boolean, logY?: boolean,
 *   series: { name: string, points: [number, number][] }[] }} chart points that are not finite, or not above 0 on a
 *   logarithmic axis, are left out and interrupt their line
 * @returns {string} a whole SVG document
 */
export function lineChart({ title, xLabel, yLabel, series, logX = false, logY = false }) {
  const drawable = ([x, y]) => Number.isFinite(x) && Number.isFinite(y) && (!logX || x > 0) && (!logY || y > 0);
  const points = series.flatMap((one) => one.points.filter(drawable));
  const x = axis(points.map(([value]) => value), logX, plot.left, plot.right, false);
  const y = axis(points.map(([, value]) => value), logY, plot.bottom, plot.top, !logY);
  const lines = series.map((one, index) => {
    const colour = colourAt(index);
    const dots = one.points.filter(drawable).map(([a, b]) => `<circle cx="${px(x.at(a))}" cy="${px(y.at(b))}" r="2.6" fill="${colour}"/>`);
    return `<path d="${pathOf(one.points, drawable, x, y)}" fill="none" stroke="${colour}" stroke-width="2"${dash(index)}/>${dots.join('')}`;
  });
  const legend = series.map(({ name }, index) => legendEntry(name, index, legendLine(index)));
  return document(title, series.map(({ name }) => name), [yAxis(y, yLabel), xAxis(x, xLabel), ...lines, ...legend]);
}

/**
 * @param {{ title: string, yLabel: string, logY?: boolean,
 *   groups: { label: string, bars: { name: string, value: number }[] }[] }} chart bars of one name have one colour
 *   in all groups; one that is not finite, or not above 0 on a logarithmic axis, is named «n/a»
 * @returns {string} a whole SVG document
 */
export function barChart({ title, yLabel, groups, logY = false }) {
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const drawable = (value) => Number.isFinite(value) && (!logY || value > 0);
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value).filter(drawable));
  // A bar's length is read from its foot: at 0, or on a logarithmic axis a little below the least.
  const y = axis(logY ? values.flatMap((value) => [value, value * 0.8]) : values, logY, plot.bottom, plot.top, true);
  const slot = (plot.right - plot.left) / Math.max(1, groups.length);
  const foot = logY ? plot.bottom : y.at(0);
  const drawn = groups.map(({ label, bars }, group) => {
    const breadth = Math.min(48, (slot * 0.84) / Math.max(1, bars.length));
    const left = plot.left + slot * (group + 0.5) - (breadth * bars.length) / 2;
    const shapes = bars.map(({ name, value }, index) => {
      const at = left + index * breadth;
      const top = drawable(value) ? y.at(value) : foot;
      // Two digits have room above a narrow bar, three above a broad one.
      const narrow = breadth < 26;
      const shown = drawable(value) ? short(narrow ? Number(value.toPrecision(2)) : value) : 'n/a';
      const size = narrow ? 8.5 : 10.5;
      const box = `<rect x="${px(at + 1)}" y="${px(Math.min(top, foot))}" width="${px(breadth - 2)}" height="${px(Math.abs(foot - top))}" fill="${colourAt(names.indexOf(name))}"/>`;
      return box + text(at + breadth / 2, Math.min(top, foot) - 4, shown, { size, anchor: 'middle' });
    });
    return shapes.join('') + text(plot.left + slot * (group + 0.5), plot.bottom + 18, label, { anchor: 'middle' });
  });
  const legend = names.map((name, index) => legendEntry(name, index, legendBox(index)));
  const base = `<path d="M${plot.left} ${px(foot)}H${plot.right}" stroke="#333" stroke-width="1"/>`;
  return document(title, names, [yAxis(y, yLabel), ...drawn, base, ...legend]);
}

/** The values of the axis, and which of them have labels. */
function axis(values, log, from, to, withZero) {
  let low = Math.min(...(values.length === 0 ? [log ? 1 : 0] : values), ...(withZero && !log ? [0] : []));
  let high = Math.max(...(values.length === 0 ? [log ? 10 : 1] : values), ...(withZero && !log ? [0] : []));
  if (low === high) [low, high] = log ? [low / 2, high * 2] : [low - (low === 0 ? 0 : 1), high + 1];
  if (log) {
    const ticks = logTicks(low, high);
    [low, high] = [Math.min(low, ticks[0]), Math.max(high, ticks.at(-1))];
    const span = Math.log(high / low);
    return { ticks, at: (value) => from + (Math.log(value / low) / span) * (to - from) };
  }
  const step = niceStep((high - low) / 5);
  low = Math.floor(low / step + 1e-9) * step;
  high = Math.ceil(high / step - 1e-9) * step;
  const count = Math.round((high - low) / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => Number((low + index * step).toPrecision(12)));
  return { ticks, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

/** 1, 2 or 5 times a power of ten, at least `raw`. */
function niceStep(raw) {
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 5].find((factor) => factor * power >= raw * 0.999) ?? 10);
}

/** Powers of ten, or with 2 and 5 between them where there is room. */
function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const factors = decades > 3.5 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(6)));
  }
  const first = ticks.findLastIndex((tick) => tick <= low * 1.0001);
  const last = ticks.findIndex((tick) => tick >= high * 0.9999);
  return ticks.slice(Math.max(0, first), last < 0 ? undefined : last + 1);
}

function yAxis(y, label) {
  const lines = y.ticks.map((tick) => {
    const at = y.at(tick);
    return `<path d="M${plot.left} ${px(at)}H${plot.right}" stroke="#dfe3e8" stroke-width="1"/>${text(plot.left - 8, at + 4, short(tick), { anchor: 'end' })}`;
  });
  const middle = (plot.top + plot.bottom) / 2;
  return lines.join('') + `<g transform="rotate(-90 18 ${middle})">${text(18, middle, label, { anchor: 'middle', size: 13 })}</g>`;
}

function xAxis(x, label) {
  const marks = x.ticks.map((tick) => {
    const at = x.at(tick);
    return `<path d="M${px(at)} ${plot.bottom}v5" stroke="#333" stroke-width="1"/>${text(at, plot.bottom + 19, short(tick), { anchor: 'middle' })}`;
  });
  const line = `<path d="M${plot.left} ${plot.bottom}H${plot.right}" stroke="#333" stroke-width="1"/>`;
  return line + marks.join('') + text((plot.left + plot.right) / 2, plot.bottom + 42, label, { anchor: 'middle', size: 13 });
}

function pathOf(points, drawable, x, y) {
  let pen = 'M';
  let path = '';
  for (const point of points) {
    if (!drawable(point)) {
      pen = 'M';
      continue;
    }
    path += `${pen}${px(x.at(point[0]))} ${px(y.at(point[1]))}`;
    pen = 'L';
  }
  return path;
}

function legendEntry(name, index, mark) {
  return mark + text(plot.right + 48, plot.top + 12 + index * 22, name, {});
}

function legendLine(index) {
  const y = plot.top + 8 + index * 22;
  return `<path d="M${plot.right + 16} ${y}h26" stroke="${colourAt(index)}" stroke-width="2"${dash(index)}/><circle cx="${plot.right + 29}" cy="${y}" r="2.6" fill="${colourAt(index)}"/>`;
}

function legendBox(index) {
  return `<rect x="${plot.right + 28}" y="${plot.top + 2 + index * 22}" width="12" height="12" fill="${colourAt(index)}"/>`;
}

const colourAt = (index) => colours[index % colours.length];

function dash(index) {
  const pattern = dashes[Math.floor(index / colours.length) % dashes.length] || dashes[index % dashes.length];
  return pattern === '' ? '' : ` stroke-dasharray="${pattern}"`;
}

function text(x, y, content, { anchor = 'start', size = 12, weight = 400 }) {
  return `<text x="${px(x)}" y="${px(y)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="#24292f">${escape(content)}</text>`;
}

function document(title, names, parts) {
  // A letter of this size is about 7 wide.
  const width = plot.right + 60 + Math.max(17, ...names.map((name) => name.length)) * 7;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ${font}>`;
  const back = `<title>${escape(title)}</title><rect width="${width}" height="${height}" fill="#fcfcfd"/>`;
  return `${head}\n${back}\n${text(plot.left, 26, title, { size: 16, weight: 600 })}\n${parts.join('\n')}\n</svg>\n`;
}

const px = (value) => Number(value.toFixed(1));

/** Three digits: `0.00123`, `1.25`, `65.5k`, `1.2M`. */
function short(value) {
  const size = Math.abs(value);
  if (size >= 999_500) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 10_000) return `${Number((value / 1e3).toPrecision(3))}k`;
  if (size >= 1000) return value.toFixed(0);
  if (size !== 0 && size < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

function escape(content) {
  return String(content).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

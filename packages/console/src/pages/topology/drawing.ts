/** Draws a topology with Cytoscape on a canvas, and changes only what is different. It is loaded when a graph is first shown. */

import cytoscape, { type Core, type ElementDefinition } from 'cytoscape';
import { colours } from '../../parts/colours.ts';
import { isFailing, widthOf, type Graph } from './graph.ts';
import { placed, type Spot } from './layout.ts';

const columnWidth = 220;
const rowHeight = 72;
const font = { size: 13, family: 'system-ui, sans-serif' };
const labelWidthMax = 180;

/**
 * Cytoscape puts a style element into the page unless one with this id exists, and the page's content security policy forbids it. Its only rule is in
 * `page.css`.
 */
const sheetId = '__________cytoscape_stylesheet';

export interface Drawing {
  show(graph: Graph): void;
  zoom(by: number): void;
  fit(): void;
  end(): void;
}

/** @param open called with the id of a node, or of an edge, that was chosen */
export function draw(frame: HTMLElement, open: (id: string) => void): Drawing {
  if (document.getElementById(sheetId) === null) {
    const stand = document.createElement('meta');
    stand.id = sheetId;
    document.head.append(stand);
  }
  const core = cytoscape({ container: frame, userZoomingEnabled: false, autoungrabify: true, boxSelectionEnabled: false, style: lookOf(frame) as never });
  core.on('tap', 'node, edge', ({ target }) => open((target as { id(): string }).id()));
  core.on('mouseover', 'node, edge', () => frame.classList.add('chooses'));
  core.on('mouseout', 'node, edge', () => frame.classList.remove('chooses'));
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const repaint = (): void => void core.style(lookOf(frame) as never);
  scheme.addEventListener('change', repaint);
  let spots: ReadonlyMap<string, Spot> = new Map();
  return {
    show(graph) {
      const isFirst = spots.size === 0;
      spots = placed(graph.nodes.map(({ id }) => id), graph.edges.map(({ source, target }) => ({ from: source, to: target })), spots);
      core.batch(() => change(core, graph, spots));
      if (isFirst) fit(core);
    },
    zoom: (by) => void core.zoom({ level: core.zoom() * by, renderedPosition: { x: frame.clientWidth / 2, y: frame.clientHeight / 2 } }),
    fit: () => fit(core),
    end() {
      scheme.removeEventListener('change', repaint);
      core.destroy();
    },
  };
}

function change(core: Core, { nodes, edges }: Graph, spots: ReadonlyMap<string, Spot>): void {
  const wanted = new Map<string, ElementDefinition>();
  for (const { id, name, kind, health } of nodes) {
    const { column, row } = spots.get(id) ?? { column: 0, row: 0 };
    wanted.set(id, { group: 'nodes', data: { id, name, width: widthOfText(name) }, classes: `${kind} ${health}`, position: { x: column * columnWidth, y: row * rowHeight } });
  }
  for (const edge of edges) {
    const { id, source, target, picksPerSecond } = edge;
    wanted.set(id, { group: 'edges', data: { id, source, target, width: widthOf(edge) }, classes: isFailing(edge) ? 'failing' : picksPerSecond > 0 ? 'busy' : '' });
  }
  core.elements().filter((element) => !wanted.has(element.id())).remove();
  for (const [id, element] of wanted) {
    const known = core.getElementById(id);
    if (known.empty()) core.add(element);
    else {
      known.data(element.data);
      known.classes(element.classes as string);
    }
  }
}

/** Cytoscape measures a label after it has drawn the arrows, which then have no ends: a node gets its width before. */
function widthOfText(text: string): number {
  const context = (measuring ??= document.createElement('canvas').getContext('2d'));
  if (context === null) return labelWidthMax;
  context.font = `${font.size}px ${font.family}`;
  return Math.min(labelWidthMax, Math.ceil(context.measureText(text).width));
}

let measuring: CanvasRenderingContext2D | null | undefined;

/** Small graphs are not blown up. */
function fit(core: Core): void {
  core.fit(undefined, 32);
  if (core.zoom() > 1.2) {
    core.zoom(1.2);
    core.center();
  }
}

function lookOf(frame: HTMLElement): unknown[] {
  const { text, raised, good, warn, bad, quiet, soft, accent } = colours(frame, ['text', 'raised', 'good', 'warn', 'bad', 'quiet', 'soft', 'accent']);
  return [
    {
      selector: 'node',
      style: {
        'shape': 'round-rectangle', 'width': 'data(width)', 'height': 14, 'padding': '9px', 'background-color': raised, 'border-width': 2, 'border-color': quiet,
        'label': 'data(name)', 'color': text, 'font-family': font.family, 'font-size': font.size, 'text-valign': 'center', 'text-halign': 'center', 'text-max-width': `${labelWidthMax}px`, 'text-wrap': 'ellipsis',
      },
    },
    { selector: 'node.client', style: { 'shape': 'ellipse', 'border-style': 'dashed', 'border-color': soft } },
    { selector: 'node.good', style: { 'border-color': good } },
    { selector: 'node.some', style: { 'border-color': warn } },
    { selector: 'node.none', style: { 'border-color': bad, 'border-style': 'dashed' } },
    { selector: 'edge', style: { 'width': 'data(width)', 'line-color': quiet, 'line-style': 'dashed', 'target-arrow-color': quiet, 'target-arrow-shape': 'triangle', 'curve-style': 'bezier', 'opacity': 0.9 } },
    { selector: 'edge.busy', style: { 'line-style': 'solid', 'line-color': accent, 'target-arrow-color': accent } },
    { selector: 'edge.failing', style: { 'line-style': 'solid', 'line-color': bad, 'target-arrow-color': bad } },
  ];
}

"use strict";
// Draws the graph of the page: dagre says where shapes and edges go, the rest is here. Texts of the graph only ever
// become text of an element, never HTML.
(() => {
  const data = JSON.parse(document.getElementById("graph").textContent);
  const svg = document.getElementById("picture"), tip = document.getElementById("tip");
  const button = (name) => document.getElementById(name);
  const FONT = "12px sans-serif", SMALL = "10px sans-serif", PAD = 9, LINE = 15, MANY_LABELS = 70, MANY = 600, TOO_MANY = 3000;
  const STYLE = `text { font: ${FONT}; fill: #222; } .edge { fill: none; stroke: #777; stroke-width: var(--line, 1.1px); }
    .edge.view { stroke: #2a6fd0; } .edge.overwritten { stroke: #d33; } .edge.again { stroke: #c77700; stroke-dasharray: 5 4; }
    .shape { stroke: #666; } .outline { fill: #00000008; stroke: #998; }
    .twice { fill: none; stroke: #666; } .label, .small { font: ${SMALL}; fill: #555; }
    .label { pointer-events: none; paint-order: stroke; stroke: #fff; stroke-width: 3px; } .node, .group { cursor: pointer; }
    .leaf { cursor: move; } .found > .shape { stroke: #d60; stroke-width: 3; } .dim { opacity: .25; }
    .node:focus, .group:focus { outline: none; } .node:focus > .shape, .group:focus > .outline { stroke-width: 2.2; }
    .near { stroke-width: 2.6 !important; }`;
  const open = new Set();
  let labels = false, times = false, view = {x: 0, y: 0, k: 1}, whole = true;  // whole: nobody has moved the view
  let boxes = new Map(), lines = [];          // what is drawn: key -> box, and the edges
  const renamed = new Map();

  function make(tag, attributes, parent, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) element.setAttribute(name, attributes[name]);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.appendChild(element);
    return element;
  }

  const measure = document.createElement("canvas").getContext("2d");
  function width(text, font) { measure.font = font; return measure.measureText(text).width; }

  function duration(s) {
    return s >= 1 ? s.toPrecision(3) + " s" : s >= 1e-3 ? (s * 1e3).toPrecision(3) + " ms" : (s * 1e6).toPrecision(3) + " µs";
  }

  // ---- what to draw: nodes that are open become groups of what is in them

  function* allNodes(graph, prefix = "") {
    for (const node of graph.nodes) {
      yield [prefix + node.id, node];
      if (node.body) yield* allNodes(node.body.graph, prefix + node.id + "/");
    }
  }

  function flatten(graph, prefix, parent, found) {
    const byId = new Map(graph.nodes.map((node) => [node.id, node]));
    const isOpen = (id) => byId.get(id).body && open.has(prefix + id);
    for (const node of graph.nodes) {
      const key = prefix + node.id;
      if (isOpen(node.id)) {
        found.boxes.set(key, {key, node, parent, group: true, children: []});
        flatten(node.body.graph, key + "/", key, found);
        for (const [from, to] of node.body.again)
          found.lines.push({from: key + "/" + from, to: key + "/" + to, kind: "again", label: "next step"});
      } else {
        found.boxes.set(key, {key, node, parent});
      }
      if (parent) found.boxes.get(parent).children.push(key);
    }
    // An edge to an open node goes on to what it is inside; what has no place there goes to a shape for the Op itself.
    const itself = (id) => {
      const key = prefix + id, own = key + "/";
      if (!found.boxes.has(own)) {
        const {kind, label, rows} = byId.get(id);
        found.boxes.set(own, {key: own, node: {kind, label, rows, apply: true}, parent: key});
        found.boxes.get(key).children.push(own);
      }
      return own;
    };
    for (const e of graph.edges) {
      let starts = [prefix + e.from], ends = [prefix + e.to];
      if (isOpen(e.from)) {
        const row = byId.get(e.from).body.leaves.find((r) => r[1] === e.out);
        starts = [row ? prefix + e.from + "/" + row[0] : itself(e.from)];
      }
      if (isOpen(e.to)) {
        const rows = byId.get(e.to).body.enters.filter((r) => r[0] === e.into);
        ends = rows.length ? rows.map((r) => prefix + e.to + "/" + r[1]) : [itself(e.to)];
      }
      for (const from of starts) for (const to of ends) found.lines.push({from, to, kind: e.kind, label: e.label});
    }
    return found;
  }

  function size(box) {
    const node = box.node;
    box.label = renamed.get(box.key) || node.label;
    box.note = times && node.seconds !== undefined ? duration(node.seconds) + ", " + percent(node) + fused(node) : "";
    const text = Math.max(width(box.label, FONT), box.note ? width(box.note, SMALL) : 0);
    box.w = Math.max(text + (node.apply ? 2.6 : 1.6) * PAD, 26);
    box.h = (box.note ? 2 : 1) * LINE + (node.apply ? 12 : 8);
  }

  function percent(node) {
    return (data.total ? 100 * node.seconds / data.total : 0).toFixed(1) + " %";
  }

  function fused(node) { return node.together > 1 ? " in " + node.together + " nodes" : ""; }

  // dagre bends an edge at each rank on its way, and takes seconds for some thousand bends and minutes for more. Larger
  // graphs have a layout that takes as long as they are large: ranks one below the other, edges straight from end to end.

  function layout() {
    ({boxes, lines} = flatten(data.graph, "", null, {boxes: new Map(), lines: []}));
    for (const box of boxes.values()) if (!box.group) size(box);
    const edges = lines.map(downwards), ranks = ranked([...boxes.keys()], edges);
    const bends = edges.reduce((sum, [a, b]) => sum + Math.max(0, ranks.get(b) - ranks.get(a) - 1), 0);
    const simple = boxes.size + bends > TOO_MANY;
    document.body.dataset.layout = simple ? "simple" : "dagre";
    (simple ? simply : byDagre)();
  }

  // The ends of a line, the upper one first: one for the next step points back.
  function downwards(line) { return line.kind === "again" ? [line.to, line.from] : [line.from, line.to]; }

  // The rank of each key: one more than the largest of those above it, or right above what takes it, if edges get shorter.
  function ranked(keys, edges) {
    const below = new Map(keys.map((key) => [key, []])), missing = new Map(keys.map((key) => [key, 0]));
    for (const [a, b] of edges) { below.get(a).push(b); missing.set(b, missing.get(b) + 1); }
    const above = new Map(missing), order = keys.filter((key) => !missing.get(key)), rank = new Map(keys.map((key) => [key, 0]));
    for (const a of order)  // grows
      for (const b of below.get(a)) {
        rank.set(b, Math.max(rank.get(b), rank.get(a) + 1));
        missing.set(b, missing.get(b) - 1);
        if (!missing.get(b)) order.push(b);
      }
    for (const a of order.reverse()) {
      const takers = below.get(a);
      if (takers.length && takers.length >= above.get(a))
        rank.set(a, Math.max(rank.get(a), takers.reduce((least, b) => Math.min(least, rank.get(b)), Infinity) - 1));
    }
    return rank;
  }

  function simply() {
    const inside = new Map([["", []]]), edges = new Map([["", []]]);     // by the group that they are in
    for (const box of boxes.values()) if (box.group) { inside.set(box.key, []); edges.set(box.key, []); }
    for (const box of boxes.values()) inside.get(box.parent || "").push(box);
    const above = (key) => { const found = [key]; while ((key = boxes.get(key).parent)) found.push(key); return found.reverse(); };
    for (const line of lines) {
      const [a, b] = downwards(line).map(above);
      let i = 0;
      while (a[i] === b[i] && i < a.length && i < b.length) i++;
      if (i < a.length && i < b.length) edges.get(i ? a[i - 1] : "").push([a[i], b[i]]);
    }
    const pad = 22;
    const arrange = (key) => {
      for (const box of inside.get(key)) if (box.group) arrange(box.key);
      const {w, h} = inRows(inside.get(key), edges.get(key));
      if (key) Object.assign(boxes.get(key), {w: w + 2 * pad, h: h + 2 * pad});
    };
    const shift = (key, dx, dy) => {
      for (const box of inside.get(key)) {
        box.x += dx; box.y += dy;
        if (box.group) shift(box.key, box.x - box.w / 2 + pad, box.y - box.h / 2 + pad);
      }
    };
    arrange("");
    shift("", 16, 16);
    for (const line of lines) {
      const [from, to] = [line.from, line.to].map((key) => boxes.get(key)), room = line.kind === "again" ? -14 : 14;
      const [start, end] = [from.y + Math.sign(room) * from.h / 2, to.y - Math.sign(room) * to.h / 2];
      line.points = [{x: from.x, y: start}, {x: from.x, y: start + room}, {x: to.x, y: end - room}, {x: to.x, y: end}];
      line.at = {x: (from.x + to.x) / 2, y: (start + end) / 2};
    }
  }

  // Give boxes places in ranks, near what they are connected with; a rank that is too wide takes several rows.
  function inRows(items, edges) {
    const gap = 16, rank = ranked(items.map((box) => box.key), edges), rows = [];
    const near = [new Map(), new Map()];  // whom a box is below, and above
    for (const [a, b] of edges)
      for (const [side, key, other] of [[0, b, a], [1, a, b]])
        near[side].has(key) ? near[side].get(key).push(boxes.get(other)) : near[side].set(key, [boxes.get(other)]);
    for (const box of items) (rows[rank.get(box.key)] ||= []).push(box);
    const area = items.reduce((sum, box) => sum + (box.w + gap) * (box.h + 40), 0), widest = Math.max(1500, 2 * Math.sqrt(area));
    for (const row of rows) pack(row, row.map(() => 0), gap);
    for (let sweep = 0; sweep < 8; sweep++)
      for (const row of sweep % 2 ? rows.slice().reverse() : rows) {
        const wanted = new Map(row.map((box) => {
          const others = near[sweep % 2].get(box.key);
          return [box, others ? others.reduce((sum, other) => sum + other.x, 0) / others.length : box.x];
        }));
        row.sort((a, b) => wanted.get(a) - wanted.get(b));
        pack(row, row.map((box) => wanted.get(box)), gap);
      }
    let y = 0, left = Infinity, right = -Infinity;
    for (const row of rows) {
      const parts = [[]];
      let used = 0;
      for (const box of row) {
        if (used && used + box.w > widest) { parts.push([]); used = 0; }
        parts[parts.length - 1].push(box);
        used += box.w + gap;
      }
      for (const part of parts) {
        if (parts.length > 1) pack(part, part.map(() => 0), gap);
        const tall = part.reduce((most, box) => Math.max(most, box.h), 0);
        for (const box of part) {
          box.y = y + tall / 2;
          left = Math.min(left, box.x - box.w / 2); right = Math.max(right, box.x + box.w / 2);
        }
        y += tall + (parts.length > 1 ? 10 : 34);
      }
    }
    for (const box of items) box.x -= left;
    return items.length ? {w: right - left, h: y - 34} : {w: 26, h: 20};
  }

  // Places as near to those wanted as they can be, in order and without overlap: those too near each other move as one.
  function pack(row, wanted, gap) {
    const blocks = [];
    row.forEach((box, i) => {
      let block = {sum: wanted[i], count: 1, boxes: [box], offsets: [0], end: box.w};
      for (let last; (last = blocks[blocks.length - 1]);) {
        const offset = last.end - last.boxes[0].w / 2 + gap + block.boxes[0].w / 2;
        if (last.sum / last.count + offset <= block.sum / block.count) break;
        blocks.pop();
        if (block.boxes.length > last.boxes.length) {  // the shorter one is what is copied
          block.boxes.unshift(...last.boxes);
          block.offsets = [...last.offsets, ...block.offsets.map((o) => o + offset)];
          block.sum += last.sum - offset * block.count;
        } else {
          block.boxes.forEach((b, j) => { last.boxes.push(b); last.offsets.push(block.offsets[j] + offset); });
          block.sum += last.sum - offset * block.count;
          block.boxes = last.boxes;
          block.offsets = last.offsets;
        }
        block.count += last.count;
        block.end = block.offsets[block.offsets.length - 1] + block.boxes[0].w / 2 + block.boxes[block.boxes.length - 1].w / 2;
      }
      blocks.push(block);
    });
    for (const block of blocks) block.boxes.forEach((box, i) => { box.x = block.sum / block.count + block.offsets[i]; });
  }

  function byDagre() {
    const graph = new dagre.graphlib.Graph({compound: true, multigraph: true});
    graph.setGraph({rankdir: "TB", nodesep: 16, edgesep: 8, ranksep: labels ? 34 : 28, marginx: 16, marginy: 16,
                    ranker: boxes.size > MANY ? "longest-path" : "network-simplex"});
    graph.setDefaultEdgeLabel(() => ({}));
    for (const box of boxes.values()) {
      graph.setNode(box.key, box.group ? {} : {width: box.w, height: box.h});
    }
    for (const box of boxes.values()) if (box.parent) graph.setParent(box.key, box.parent);
    lines.forEach((line, i) => {
      const shown = labels || line.kind === "again";
      const room = shown ? {width: width(line.label, SMALL) + 4, height: 12, labelpos: "c"} : {};
      const [a, b] = downwards(line);
      graph.setEdge(a, b, room, String(i));
    });
    dagre.layout(graph);
    for (const box of boxes.values()) {
      const place = graph.node(box.key);
      Object.assign(box, {x: place.x, y: place.y, w: place.width, h: place.height});
    }
    lines.forEach((line, i) => {
      const [v, w] = downwards(line), place = graph.edge({v, w, name: String(i)});
      line.points = line.kind === "again" ? place.points.slice().reverse() : place.points;
      line.at = place.x === undefined ? null : {x: place.x, y: place.y};
    });
  }

  // ---- drawing

  const style = make("style", {}, svg, STYLE);
  const defs = make("defs", {}, svg);
  for (const [kind, color] of [["", "#777"], ["view", "#2a6fd0"], ["overwritten", "#d33"], ["again", "#c77700"]]) {
    const marker = make("marker", {id: "head" + kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7,
                                   markerHeight: 7, orient: "auto", markerUnits: "userSpaceOnUse"}, defs);
    make("path", {d: "M0 0.6L8 4L0 7.4z", fill: color}, marker);
  }
  const scene = make("g", {}, svg);

  function path(points) {
    let d = `M${points[0].x} ${points[0].y}`;
    for (let i = 1; i < points.length - 1; i++) {
      const p = points[i], next = points[i + 1];
      const end = i === points.length - 2 ? next : {x: (p.x + next.x) / 2, y: (p.y + next.y) / 2};
      d += `Q${p.x} ${p.y} ${end.x} ${end.y}`;
    }
    if (points.length === 2) d += `L${points[1].x} ${points[1].y}`;
    return d;
  }

  function fill(node) {
    if (!times || node.seconds === undefined) return data.colors[node.kind];
    const share = hottest ? node.seconds / hottest : 0;
    return `hsl(${50 - 45 * share} 95% ${95 - 30 * share}%)`;
  }
  let hottest = 0;

  function draw() {
    scene.replaceChildren();
    hottest = [...boxes.values()].reduce((most, box) => Math.max(most, box.node.seconds || 0), 0);
    const groups = make("g", {}, scene), edges = make("g", {}, scene), nodes = make("g", {}, scene);
    for (const box of boxes.values()) drawBox(box, box.group ? groups : nodes);
    for (const line of lines) {
      line.element = make("path", {class: "edge " + line.kind, "marker-end": `url(#head${line.kind})`, d: path(line.points)}, edges);
      if (line.at && (labels || line.kind === "again"))
        line.text = make("text", {class: "label", x: line.at.x, y: line.at.y + 3, "text-anchor": "middle"}, nodes, line.label);
      line.element.addEventListener("pointermove", (event) => show(event, [["edge", line.label], ["", line.kind]]));
      line.element.addEventListener("pointerleave", hide);
    }
    find();
    document.body.dataset.nodes = boxes.size;
    button("note").hidden = document.body.dataset.layout === "dagre";
    document.body.dataset.drawn = "yes";
  }

  function drawBox(box, parent) {
    const node = box.node, own = make("g", {class: box.group ? "group" : "node" + (node.body ? "" : " leaf"), "data-key": box.key,
                                            "data-kind": node.kind}, parent);
    box.element = own;
    if (box.group) {
      box.outline = make("rect", {class: "outline", rx: 6}, own);
      box.caption = make("text", {class: "small"}, own, "▾ " + (renamed.get(box.key) || node.label));
    } else if (node.apply) {
      make("rect", {class: "shape", x: -box.w / 2, y: -box.h / 2, width: box.w, height: box.h, rx: box.h / 2, fill: fill(node)}, own);
      if (node.body)
        make("rect", {class: "twice", x: -box.w / 2 + 3, y: -box.h / 2 + 3, width: box.w - 6, height: box.h - 6, rx: box.h / 2 - 3}, own);
    } else {
      make("rect", {class: "shape", x: -box.w / 2, y: -box.h / 2, width: box.w, height: box.h, rx: 2, fill: fill(node)}, own);
    }
    if (!box.group) {
      make("text", {"text-anchor": "middle", y: box.note ? -2 : 4}, own, box.label);
      if (box.note) make("text", {class: "small", "text-anchor": "middle", y: 12}, own, box.note);
    }
    if (node.body) {
      own.setAttribute("tabindex", 0);
      own.setAttribute("role", "button");
      own.setAttribute("aria-expanded", Boolean(box.group));
      own.setAttribute("aria-label", node.label);
      own.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle(box); }
      });
    }
    own.addEventListener("pointermove", (event) => show(event, details(node)));
    own.addEventListener("pointerenter", () => near(box, true));
    own.addEventListener("pointerleave", () => { near(box, false); hide(); });
    own.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      const text = prompt("Label", renamed.get(box.key) || node.label);
      if (text) { renamed.set(box.key, text); redraw(); }
    });
    place(box);
  }

  function place(box) {
    if (!box.group) {
      box.element.setAttribute("transform", `translate(${box.x} ${box.y})`);
      return;
    }
    const at = {x: box.x - box.w / 2, y: box.y - box.h / 2};
    for (const [name, value] of Object.entries({...at, width: box.w, height: box.h})) box.outline.setAttribute(name, value);
    box.caption.setAttribute("x", at.x + 8);
    box.caption.setAttribute("y", at.y + 13);
  }

  function details(node) {
    const rows = node.rows.slice();
    if (node.seconds !== undefined) rows.push(["time", duration(node.seconds) + ", " + percent(node) + " of all nodes' time"]);
    if (node.together > 1) rows.push(["", "of " + node.together + " nodes that are computed as one"]);
    if (node.body) rows.push(["", "click to open or close"]);
    return rows;
  }

  function show(event, rows) {
    if (pointers.size) return;
    const table = document.createElement("table");
    for (const [name, value] of rows) {
      if (!value) continue;
      const row = table.insertRow();
      row.insertCell().textContent = name;
      row.insertCell().textContent = value;
    }
    tip.replaceChildren(table);
    tip.hidden = false;
    const {width: w, height: h} = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - w - 6)) + "px";
    tip.style.top = (event.clientY + h + 24 > innerHeight ? Math.max(4, event.clientY - h - 12) : event.clientY + 16) + "px";
  }
  function hide() { tip.hidden = true; }

  function near(box, on) {
    for (const line of lines)
      if (line.from === box.key || line.to === box.key) line.element.classList.toggle("near", on);
  }

  // ---- moving

  function look() {
    scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    svg.style.setProperty("--line", Math.max(1.1, 0.45 / view.k) + "px");  // to be seen from afar
  }

  function bounds() {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    const take = (x, y, w, h) => {
      left = Math.min(left, x - w / 2); right = Math.max(right, x + w / 2);
      top = Math.min(top, y - h / 2); bottom = Math.max(bottom, y + h / 2);
    };
    for (const box of boxes.values()) take(box.x, box.y, box.w, box.h);
    for (const line of lines) {
      for (const p of line.points) take(p.x, p.y, 0, 0);
      if (line.text) take(line.at.x, line.at.y, width(line.label, SMALL), 12);
    }
    return boxes.size ? {left, top, w: right - left, h: bottom - top} : {left: 0, top: 0, w: 1, h: 1};
  }

  function fit() {
    const {width: w, height: h} = svg.getBoundingClientRect(), b = bounds();
    const k = Math.min(1.3, (w - 30) / b.w, (h - 64) / b.h);
    view = {k, x: w / 2 - k * (b.left + b.w / 2), y: Math.max(12, h / 2 - k * b.h / 2 - 20) - k * b.top};
    whole = true;
    look();
  }

  function zoom(factor, x, y) {
    whole = false;
    const k = Math.min(8, Math.max(0.02, view.k * factor));
    view = {k, x: x - (x - view.x) * k / view.k, y: y - (y - view.y) * k / view.k};
    look();
  }

  // The edges of a box that was moved go straight.
  function border(box, towards) {
    const dx = towards.x - box.x, dy = towards.y - box.y;
    const t = Math.min(box.w / 2 / Math.abs(dx || 1e-9), box.h / 2 / Math.abs(dy || 1e-9), 1);
    return {x: box.x + dx * t, y: box.y + dy * t};
  }

  function move(box, dx, dy) {
    const moved = new Set();
    const shift = (b) => {
      moved.add(b.key);
      b.x += dx; b.y += dy;
      place(b);
      for (const child of b.children || []) shift(boxes.get(child));
    };
    shift(box);
    for (const line of lines) {
      const inside = moved.has(line.from) && moved.has(line.to);
      if (!inside && !moved.has(line.from) && !moved.has(line.to)) continue;
      const from = boxes.get(line.from), to = boxes.get(line.to);
      line.points = inside ? line.points.map((p) => ({x: p.x + dx, y: p.y + dy})) : [border(from, to), border(to, from)];
      line.element.setAttribute("d", path(line.points));
      if (line.text) {
        line.at = inside ? {x: line.at.x + dx, y: line.at.y + dy} : {x: (from.x + to.x) / 2, y: (from.y + to.y) / 2};
        line.text.setAttribute("x", line.at.x);
        line.text.setAttribute("y", line.at.y + 3);
      }
    }
    for (let key = box.parent; key; key = boxes.get(key).parent) grow(boxes.get(key));
  }

  function grow(group) {
    const inner = group.children.map((key) => boxes.get(key)), pad = 22;
    const left = Math.min(...inner.map((b) => b.x - b.w / 2)) - pad, right = Math.max(...inner.map((b) => b.x + b.w / 2)) + pad;
    const top = Math.min(...inner.map((b) => b.y - b.h / 2)) - pad, bottom = Math.max(...inner.map((b) => b.y + b.h / 2)) + pad;
    Object.assign(group, {x: (left + right) / 2, y: (top + bottom) / 2, w: right - left, h: bottom - top});
    place(group);
  }

  const pointers = new Map();     // one drags, two zoom
  let dragged = null, went = 0;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const element = event.target.closest("[data-key]");
    dragged = element ? boxes.get(element.dataset.key) : null;
    went = 0;
    pointers.set(event.pointerId, {x: event.clientX, y: event.clientY});
    svg.setPointerCapture(event.pointerId);
    hide();
  });
  svg.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const now = {x: event.clientX, y: event.clientY}, dx = now.x - last.x, dy = now.y - last.y;
    went += Math.abs(dx) + Math.abs(dy);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1], frame = svg.getBoundingClientRect();
      const apart = (p) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
      zoom(apart(now) / apart(last), (now.x + other.x) / 2 - frame.left, (now.y + other.y) / 2 - frame.top);
    } else if (went > 4) {
      if (dragged) move(dragged, dx / view.k, dy / view.k);
      else { whole = false; view.x += dx; view.y += dy; look(); }
    }
    pointers.set(event.pointerId, now);
  });
  svg.addEventListener("pointerup", (event) => {
    if (pointers.delete(event.pointerId) && went <= 4 && dragged && dragged.node.body) toggle(dragged);
    dragged = null;
  });
  svg.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const frame = svg.getBoundingClientRect(), step = event.deltaMode ? 30 * event.deltaY : event.deltaY;
    zoom(Math.exp(-step / 500), event.clientX - frame.left, event.clientY - frame.top);
  }, {passive: false});

  // ---- what the buttons do

  function redraw() { layout(); draw(); }

  // A view of the whole stays one. In any other what was clicked stays where it was, as far as it can be seen there.
  function toggle(box) {
    const key = box.key, before = {x: view.x + view.k * box.x, y: view.y + view.k * (box.y - box.h / 2)};
    if (!open.delete(key)) open.add(key);
    hide();
    redraw();
    const after = boxes.get(key);
    if (whole) {
      fit();
    } else {
      const {width: w, height: h} = svg.getBoundingClientRect(), half = view.k * after.w / 2, tall = view.k * after.h;
      const within = (at, low, high) => Math.max(low, Math.min(at, high));
      view.x = within(before.x, 12 + half, Math.max(12 + half, w - 12 - half)) - view.k * after.x;
      view.y = within(before.y, 12, Math.max(12, h - 12 - tall)) - view.k * (after.y - after.h / 2);
      look();
    }
    after.element.focus({preventScroll: true});
  }

  function find() {
    const word = button("find").value.trim().toLowerCase();
    for (const box of boxes.values()) {
      const texts = [box.label || box.node.label, ...box.node.rows.map((row) => row[1])];
      const found = word && texts.some((text) => String(text).toLowerCase().includes(word));
      box.element.classList.toggle("found", Boolean(found));
      if (!box.group) box.element.classList.toggle("dim", Boolean(word) && !found);
    }
  }

  function press(name, on) { button(name).setAttribute("aria-pressed", on); }

  button("fit").onclick = fit;
  button("find").oninput = find;
  button("open").onclick = () => {
    for (const [key, node] of allNodes(data.graph)) if (node.body) open.add(key);
    redraw(); fit();
  };
  button("close").onclick = () => { open.clear(); redraw(); fit(); };
  button("labels").onclick = () => { labels = !labels; press("labels", labels); redraw(); fit(); };
  button("times").onclick = () => { times = !times; press("times", times); redraw(); fit(); };
  button("save").onclick = () => {
    const copy = svg.cloneNode(true), b = bounds();
    copy.removeAttribute("style");
    copy.querySelector(":scope > g").removeAttribute("transform");
    copy.setAttribute("viewBox", `${b.left - 10} ${b.top - 10} ${b.w + 20} ${b.h + 20}`);
    copy.setAttribute("width", b.w + 20);
    copy.setAttribute("height", b.h + 20);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], {type: "image/svg+xml"}));
    link.download = (data.title || "graph") + ".svg";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  addEventListener("resize", fit);

  // ---- the start

  const every = [...allNodes(data.graph)].map((row) => row[1]);
  const heading = button("title");
  heading.textContent = data.title + " ";
  heading.appendChild(Object.assign(document.createElement("small"), {
    textContent: data.graph.nodes.filter((node) => node.apply).length + " nodes",
  }));
  for (const kind of Object.keys(data.colors).filter((k) => every.some((node) => node.kind === k))) {
    const item = document.createElement("span"), sample = document.createElement("i");
    sample.style.background = data.colors[kind];
    if (every.some((node) => node.kind === kind && node.apply)) sample.style.borderRadius = "5px";
    item.append(sample, kind);
    button("legend").appendChild(item);
  }
  if (!every.some((node) => node.body)) button("open").hidden = button("close").hidden = true;
  labels = data.graph.edges.length <= MANY_LABELS;
  press("labels", labels);
  times = data.total !== null && every.some((node) => node.seconds);
  button("times").hidden = !times;
  press("times", times);
  redraw();
  fit();
})();

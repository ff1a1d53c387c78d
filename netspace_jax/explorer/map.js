// The map: points on a plane, their colours, the cursor, and what the mouse, the finger and the keys do with them.
function netspaceMap(page) {
  "use strict";
  const { data, document } = page, canvas = document.getElementById("map"), pen = canvas.getContext("2d");
  const PALETTE = [matchMedia("(prefers-color-scheme: dark)").matches ? "#3590dc" : "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8c6bb1", "#7f7f7f", "#b15928", "#66a61e"];
  const EDGE = 6;  // pixels from a mark's middle to its end
  // Cividis but for its ends: the lightest yellows are lost on a light ground, the darkest blues on a dark one.
  const LIGHT = [[0, 34, 78], [40, 62, 107], [87, 92, 109], [125, 124, 120], [165, 150, 108], [201, 160, 20]];
  const DARK = [[92, 140, 222], [120, 150, 190], [150, 158, 165], [180, 170, 130], [215, 198, 100], [254, 232, 56]];
  const dark = matchMedia("(prefers-color-scheme: dark)"), ramp = (share) => {
    const SCALE = dark.matches ? DARK : LIGHT, at = Math.max(0, Math.min(1, share)) * (SCALE.length - 1), i = Math.min(Math.floor(at), SCALE.length - 2);
    return `rgb(${SCALE[i].map((c, k) => Math.round(c + (at - i) * (SCALE[i + 1][k] - c)))})`;
  };
  const count = data.score.length, xy = page.points, kind = data.kinds.flatMap((k, i) => new Array(k.count).fill(i));
  const scored = data.score.filter((s) => s !== null), [low, high] = [Math.min(...scored), Math.max(...scored)];
  const labels = [...new Set(data.label.filter(Boolean))].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const schemes = {
    ...(scored.length ? { [data.metric]: (i) => (data.score[i] === null ? null : ramp((data.score[i] - low) / (high - low || 1))) } : {}),
    ...(labels.length > 1 ? { class: (i) => (data.label[i] ? PALETTE[labels.indexOf(data.label[i]) % PALETTE.length] : null) } : {}),
    ...(data.architectures.length > 1 ? { architecture: (i) => PALETTE[data.architecture[i] % PALETTE.length] } : {}),
    kind: (i) => PALETTE[kind[i]],
  };
  const choice = document.getElementById("colour"), shown = data.kinds.map((_, i) => i < 2);
  for (const name of Object.keys(schemes)) choice.add(new Option(name.replaceAll("_", " "), name));
  if (labels.length > 1) choice.value = "class";
  if (data.architectures.length > 1) choice.value = "architecture";
  data.kinds.forEach((k, i) => {
    const label = document.createElement("label"), box = document.createElement("input");
    Object.assign(box, { type: "checkbox", checked: shown[i] });
    box.addEventListener("change", () => { shown[i] = box.checked; draw(); });
    label.append(box, ` ${k.name} (${k.count})`);
    document.getElementById("kinds").append(label);
  });
  choice.addEventListener("change", () => { explain(); draw(); });

  function explain() {
    const legend = document.getElementById("legend"), name = choice.value;
    const item = (colour, text) => { const s = document.createElement("span"), dot = document.createElement("i");
      dot.style.background = colour; s.append(dot, text); return s; };
    legend.replaceChildren();
    if (name === data.metric) {
      const bar = document.createElement("span");
      bar.className = "scale";
      bar.style.background = `linear-gradient(90deg, ${[0, 0.2, 0.4, 0.6, 0.8, 1].map(ramp)})`;
      const whole = document.createElement("span");
      whole.append(`${low.toFixed(2)}`, bar, `${high.toFixed(2)} ${data.metric.replaceAll("_", " ")} (test)`);
      legend.append(whole);
    }
    if (name === "class") legend.append(...labels.map((l, i) => item(PALETTE[i % PALETTE.length], l)));
    if (name === "architecture") legend.append(...data.architectures.map((a, i) => item(PALETTE[i % PALETTE.length], a.name)));
    if (name === "kind") legend.append(...data.kinds.map((k, i) => item(PALETTE[i], k.name)));
    const marks = " ● never seen ○ trained on □ generated ✕ drawn";
    if (name !== "kind") legend.append(marks);
  }

  // The frame keeps out the outermost hundredth of points, which would press all others together.
  const within = (axis) => {
    const sorted = [...Array(count).keys()].filter((i) => kind[i] < 2).map((i) => xy[2 * i + axis]).sort((a, b) => a - b);
    const [a, b] = [sorted[Math.floor(sorted.length * 0.005)], sorted[Math.ceil(sorted.length * 0.995) - 1]];
    const room = 0.08 * (b - a || 1);
    return [a - room, b + room];
  };
  const frame = [within(0), within(1)];
  const place = (x, y) => [(x - frame[0][0]) / (frame[0][1] - frame[0][0]) * canvas.clientWidth,
    canvas.clientHeight - (y - frame[1][0]) / (frame[1][1] - frame[1][0]) * canvas.clientHeight];
  const back = (px, py) => [frame[0][0] + px / canvas.clientWidth * (frame[0][1] - frame[0][0]),
    frame[1][0] + (1 - py / canvas.clientHeight) * (frame[1][1] - frame[1][0])];

  // A mark at the edge is moved in by as much as it would be cut.
  const inward = (v, end) => (v < -EDGE || v > end + EDGE ? v : Math.max(EDGE, Math.min(end - EDGE, v)));
  const whole = (x, y) => [inward(x, canvas.clientWidth), inward(y, canvas.clientHeight)];

  function mark(type, x, y, r) {
    pen.beginPath();
    if (type === 2) pen.rect(x - r, y - r, 2 * r, 2 * r);
    else if (type === 3) { pen.moveTo(x - r, y - r); pen.lineTo(x + r, y + r); pen.moveTo(x - r, y + r); pen.lineTo(x + r, y - r); }
    else pen.arc(x, y, r, 0, 7);
  }
  function draw() {
    const ratio = window.devicePixelRatio || 1, style = getComputedStyle(document.body);
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const ink = style.getPropertyValue("--ink"), line = style.getPropertyValue("--line"), soft = style.getPropertyValue("--soft");
    const colour = schemes[choice.value], text = choice.value === "class" && labels.every((l) => l.length === 1);
    pen.font = "600 12px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const type of [1, 3, 2, 0]) {
      if (!shown[type]) continue;
      for (let i = 0; i < count; i++) {
        if (kind[i] !== type) continue;
        const [x, y] = whole(...place(xy[2 * i], xy[2 * i + 1])), tint = colour(i) || line;
        pen.fillStyle = pen.strokeStyle = tint;
        pen.lineWidth = type === 1 ? 1.4 : 1.8;
        if (text && data.label[i] && type < 2) { pen.globalAlpha = type ? (dark.matches ? 0.8 : 0.6) : 1; pen.fillText(data.label[i], x, y); pen.globalAlpha = 1; continue; }
        mark(type, x, y, type === 1 ? 3 : 4);
        if (type === 0) { pen.fill(); pen.strokeStyle = soft; pen.lineWidth = 0.6; }
        pen.stroke();
      }
    }
    const track = (points, dash, tint) => {
      if (!points.length) return;
      pen.setLineDash(dash);
      pen.strokeStyle = tint;
      pen.lineWidth = 2.5;
      pen.beginPath();
      points.forEach((p, i) => pen[i ? "lineTo" : "moveTo"](...place(...p)));
      pen.stroke();
      pen.setLineDash([]);
    };
    track(page.way(), [5, 4], ink);
    track(page.path, [], style.getPropertyValue("--warm"));
    if (page.posterior) posterior(style);
    pen.fillStyle = ink;
    page.way().forEach((p, i) => { const [x, y] = place(...p); pen.lineWidth = 4; pen.strokeStyle = style.getPropertyValue("--panel");
      const beside = y < 28 ? y + 18 : y - 18;
      pen.strokeText(i ? "B" : "A", x, beside); pen.fillText(i ? "B" : "A", x, beside); });
    const [x, y] = place(...page.at);
    for (const [width, tint] of [[5, style.getPropertyValue("--paper")], [2.5, style.getPropertyValue("--warm")]]) {
      pen.lineWidth = width;
      pen.strokeStyle = tint;
      pen.beginPath();
      pen.arc(x, y, 9, 0, 7);
      if (held) { pen.moveTo(x - 14, y); pen.lineTo(x - 4, y); pen.moveTo(x + 4, y); pen.lineTo(x + 14, y); }
      pen.stroke();
    }
  }

  // Where examples of a task put it: a mean with the ring of one standard deviation, and the means before it.
  function posterior(style) {
    const { means, ring } = page.posterior, paper = style.getPropertyValue("--paper"), accent = style.getPropertyValue("--accent");
    const line = (points) => { pen.beginPath(); points.forEach((p, i) => pen[i ? "lineTo" : "moveTo"](...place(...p))); };
    line(ring);
    pen.closePath();
    pen.globalAlpha = 0.15;
    pen.fillStyle = accent;
    pen.fill();
    pen.globalAlpha = 1;
    for (const [width, tint] of [[5, paper], [2.5, accent]]) {
      Object.assign(pen, { lineWidth: width, strokeStyle: tint });
      line(ring);
      pen.closePath();
      pen.stroke();
      line(means);
      pen.stroke();
    }
    means.forEach((p, i) => {
      const last = i === means.length - 1;
      mark(2, ...place(...p), last ? 5 : 2.5);
      Object.assign(pen, { fillStyle: accent, strokeStyle: paper, lineWidth: 1.5 });
      pen.fill();
      pen.stroke();
    });
  }

  const visible = (i) => shown[kind[i]];
  function nearest([x, y], limit, accepts = visible) {
    const sx = frame[0][1] - frame[0][0], sy = frame[1][1] - frame[1][0], distances = [];
    for (let i = 0; i < count; i++) if (accepts(i)) distances.push([Math.hypot((xy[2 * i] - x) / sx, (xy[2 * i + 1] - y) / sy), i]);
    return distances.sort((a, b) => a[0] - b[0]).slice(0, limit);
  }
  // The mixture of the three nearest members, continuous everywhere and a member's own embedding where that lies.
  function mixture(at) {
    const near = nearest(at, 4, (i) => kind[i] < 2), reach = near[near.length - 1][0] || 1;
    if (near[0][0] < 1e-9) return [[1, near[0][1]]];
    const weights = near.slice(0, 3).map(([d, i]) => [((reach - d) / (reach * d)) ** 2, i]);
    const total = weights.reduce((s, [w]) => s + w, 0);
    return total > 0 ? weights.map(([w, i]) => [w / total, i]) : [[1, near[0][1]]];
  }

  // The point that lies under a place of the map, or null.
  function under(at) {
    const near = nearest(at, 1), [x, y] = place(...at);
    if (!near.length) return null;
    const [[, i]] = near, [px, py] = place(xy[2 * i], xy[2 * i + 1]);
    return Math.hypot(px - x, py - y) < 6 ? i : null;
  }

  let held = false, down = null;
  const where = (e) => { const box = canvas.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; };
  canvas.addEventListener("pointerdown", (e) => { down = where(e); canvas.setPointerCapture(e.pointerId); page.go(back(...down)); });
  canvas.addEventListener("pointermove", (e) => { if (down || (!held && e.pointerType === "mouse")) page.go(back(...where(e))); });
  canvas.addEventListener("pointerup", (e) => {
    const at = where(e), still = down && Math.hypot(at[0] - down[0], at[1] - down[1]) < 4;
    down = null;
    if (!still) return;
    held = e.pointerType === "mouse" ? !held : true;
    const [[, i]] = nearest(back(...at), 1), [x, y] = place(xy[2 * i], xy[2 * i + 1]);
    if (Math.hypot(x - at[0], y - at[1]) < 9) page.visit(i); else draw();
  });
  canvas.addEventListener("keydown", (e) => {
    const step = (e.shiftKey ? 0.08 : 0.02), [dx, dy] = [frame[0][1] - frame[0][0], frame[1][1] - frame[1][0]];
    const moves = { ArrowLeft: [-dx, 0], ArrowRight: [dx, 0], ArrowUp: [0, dy], ArrowDown: [0, -dy] };
    if (moves[e.key]) page.go([page.at[0] + step * moves[e.key][0], page.at[1] + step * moves[e.key][1]]);
    else if (e.key === "Enter" || e.key === " ") page.visit(nearest(page.at, 1)[0][1]);
    else if (e.key === "Home") page.go([(frame[0][0] + frame[0][1]) / 2, (frame[1][0] + frame[1][1]) / 2]);
    else return;
    held = true;
    e.preventDefault();
  });
  new ResizeObserver(draw).observe(canvas);
  dark.addEventListener("change", () => { explain(); draw(); });
  explain();
  return { draw, mixture, kind, under, hold: () => { held = true; }, clamp: ([x, y]) => [Math.max(frame[0][0], Math.min(frame[0][1], x)), Math.max(frame[1][0], Math.min(frame[1][1], y))] };
}

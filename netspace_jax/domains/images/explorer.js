// Images side by side, the wrongly named ones framed and the others dimmed; how many are framed. `pixel` gives 0 to 255.
page.mosaic = (canvas, { count, across, tile, pixel, right }) => {
  const [height, width] = page.about.shape, gap = 2, pen = canvas.getContext("2d");
  const small = new OffscreenCanvas(width, height), brush = small.getContext("2d"), picture = brush.createImageData(width, height);
  canvas.width = across * (tile + gap);
  canvas.height = Math.ceil(count / across) * (tile + gap);
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = false;
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const x = i % across * (tile + gap), y = Math.floor(i / across) * (tile + gap), good = right(i);
    page.paint(picture, (row, column, c) => pixel(i, row, column, c));
    brush.putImageData(picture, 0, 0);
    pen.globalAlpha = good ? 0.5 : 1;
    pen.drawImage(small, x + 1, y + 1, tile, tile);
    pen.globalAlpha = 1;
    if (good) continue;
    wrong++;
    Object.assign(pen, { strokeStyle: "#ff8c1a", lineWidth: 2 });
    pen.strokeRect(x + 1, y + 1, tile, tile);
  }
  return wrong;
};
page.paint = (picture, pixel) => {
  for (let y = 0; y < picture.height; y++) for (let x = 0; x < picture.width; x++) {
    for (let c = 0; c < 4; c++) picture.data[4 * (y * picture.width + x) + c] = c === 3 ? 255 : pixel(y, x, c);
  }
};
// Classifiers: a canvas to draw on, what the network says of it, its neighbours' votes, and its mistakes on test images.
page.panel = (root, page) => {
  "use strict";
  const { images, targets, examples } = page.arrays, { shape, classes, mean, std } = page.about, [height, width, channels] = shape;
  const FINE = 4, size = height * width * channels, count = targets.data.length, across = Math.ceil(Math.sqrt(count * 1.6));
  const draws = channels === 1, tile = Math.max(16, width);
  root.innerHTML = `<div class="bar" style="align-items:flex-start">
    <canvas id="draw" width="${width * FINE}" height="${height * FINE}" tabindex="0" role="img" style="width:12rem;height:12rem;image-rendering:pixelated;border:1px solid var(--line);border-radius:8px;touch-action:none;background:#000"
      aria-label="${draws ? "The image that is asked about: draw on it with mouse or finger" : "The image that is asked about"}"></canvas>
    <div id="bars" role="img" style="flex:1 1 11rem;min-width:0"></div></div>
    <div class="bar">${draws ? '<button id="clear">Clear</button>' : ""}<button id="next">Another test image</button></div>
    <p id="says" aria-live="polite" style="font-weight:600"></p><p id="votes" class="note"></p>
    <canvas id="tests" role="img" style="width:100%;image-rendering:pixelated;border-radius:4px;cursor:pointer"></canvas>
    <p class="note" id="wrong"></p>`;
  const $ = (id) => root.querySelector(`#${id}`), pad = $("draw"), pen = pad.getContext("2d", { willReadFrequently: true });
  let network = null, drawn = true, input = new Float32Array(size), chosen = 0;

  // As the set was made: a picture of four times the size, averaged over blocks.
  function fromPad() {
    const pixels = pen.getImageData(0, 0, pad.width, pad.height).data;
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      let s = 0;
      for (let i = 0; i < FINE; i++) for (let j = 0; j < FINE; j++) s += pixels[4 * ((y * FINE + i) * pad.width + x * FINE + j)];
      const value = s / (FINE * FINE) / 255;
      input[y * width + x] = (value - mean[0]) / std[0];
    }
    drawn = true;
    ask();
  }
  const pixel = (i, y, x, c) => images.data[((i * height + y) * width + x) * channels + (channels === 3 ? c : 0)];
  function choose(i) {
    chosen = i;
    const picture = pen.createImageData(pad.width, pad.height);
    page.paint(picture, (y, x, c) => pixel(i, Math.floor(y / FINE), Math.floor(x / FINE), c));
    pen.putImageData(picture, 0, 0);
    input = examples.data.slice(i * size, (i + 1) * size);
    drawn = false;
    ask();
  }

  function probabilities(logits) {
    const top = Math.max(...logits), e = Array.from(logits, (v) => Math.exp(v - top)), s = e.reduce((a, b) => a + b);
    return e.map((v) => v / s);
  }
  function ask() {
    if (!network) return;
    if (drawn && !input.some((v) => v !== input[0])) {
      for (const id of ["bars", "votes"]) $(id).replaceChildren();
      $("says").textContent = "Nothing is drawn yet.";
      return;
    }
    const logits = network.run(input), p = probabilities(logits), said = page.maximum(logits);
    root.dataset.logits = JSON.stringify(Array.from(logits));
    const votes = page.neighbours(12, network.architectureId).map((one) => page.maximum(one.run(input)));
    const tally = p.map((_, k) => votes.filter((v) => v === k).length);
    const shown = p.map((_, k) => k).sort((a, b) => p[b] - p[a]).slice(0, 10).sort((a, b) => a - b);
    $("bars").innerHTML = shown.map((k) => `<div style="display:flex;align-items:center;gap:.4rem;font-size:.85rem;line-height:1.15rem;font-variant-numeric:tabular-nums">
      <span style="width:1.5rem;text-align:right;font-weight:${k === said ? 700 : 400}">${k}</span>
      <span style="flex:1;background:var(--panel);border-radius:3px"><span style="display:block;height:.75rem;border-radius:3px;width:${(100 * p[k]).toFixed(1)}%;background:var(${k === said ? "--accent" : "--soft"})"></span></span>
      <span style="width:3rem">${(100 * p[k]).toFixed(0)} %</span><span style="width:2.6rem;color:var(--warm)">${tally[k] ? `● ${tally[k]}` : ""}</span></div>`).join("");
    $("bars").setAttribute("aria-label", `Probabilities: ${shown.map((k) => `${k}: ${(100 * p[k]).toFixed(0)} %`).join(", ")}`);
    const truth = drawn ? "" : `, and it is a ${targets.data[chosen]}`;
    $("says").textContent = `This network says ${said}, sure to ${(100 * p[said]).toFixed(0)} %${truth}.`;
    $("votes").textContent = votes.length ? `Of the ${votes.length} nearest members, ${tally[said]} say ${said} too` +
      `${tally[said] < votes.length ? `; the others say ${[...new Set(votes.filter((v) => v !== said))].sort().join(", ")}` : ""} (●: votes).` : "";
  }

  function tests() {
    const right = (i) => page.maximum(network.outputs.subarray(i * classes, (i + 1) * classes)) === targets.data[i];
    const wrong = page.mosaic($("tests"), { count, across, tile, pixel, right });
    const text = `${wrong} of ${count} test images are named wrongly here: the framed ones. Choose one to ask about it.`;
    $("tests").setAttribute("aria-label", text);
    $("wrong").textContent = text;
  }
  $("tests").addEventListener("click", (e) => {
    const box = $("tests").getBoundingClientRect(), step = box.width / across;
    const i = Math.floor((e.clientY - box.top) / step) * across + Math.floor((e.clientX - box.left) / step);
    if (i < count) choose(i);
  });
  $("next").addEventListener("click", () => choose((chosen + 1) % count));
  if (draws) {
    let last = null;
    const at = (e) => { const b = pad.getBoundingClientRect(); return [(e.clientX - b.left) / b.width * pad.width, (e.clientY - b.top) / b.height * pad.height]; };
    const line = (from, to) => {
      Object.assign(pen, { strokeStyle: "#fff", lineWidth: 1.1 * FINE * width / 10, lineCap: "round", lineJoin: "round" });
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(to[0] + 0.01, to[1]);
      pen.stroke();
      fromPad();
    };
    const clear = () => { pen.fillStyle = "#000"; pen.fillRect(0, 0, pad.width, pad.height); };
    pad.addEventListener("pointerdown", (e) => { if (!drawn) clear(); last = at(e); pad.setPointerCapture(e.pointerId); line(last, last); });
    pad.addEventListener("pointermove", (e) => { if (last) { const to = at(e); line(last, to); last = to; } });
    ["pointerup", "pointercancel"].forEach((name) => pad.addEventListener(name, () => { last = null; }));
    $("clear").addEventListener("click", () => { clear(); fromPad(); });
  }
  choose(0);
  page.asked = () => input.slice();
  return { show(next) { network = next; ask(); tests(); } };
};

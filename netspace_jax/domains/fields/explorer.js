// Networks that hold fields: the picture, the curve, or the surface of a shape, turned.
page.panel = (root, page) => {
  "use strict";
  const { kind, channels, size, finer } = page.about, { points, fine } = page.arrays;
  let network = null;
  const KINDS = { pictures, signals, shapes };
  return KINDS[kind]();

  function pictures() {
    root.innerHTML = `<div class="bar" style="align-items:flex-end"><canvas role="img" style="width:min(100%,22rem);image-rendering:pixelated;border:1px solid var(--line);border-radius:8px"></canvas>
      <figure hidden style="margin:0"><canvas role="img" aria-label="The picture that the search aims at" width="${size[1]}" height="${size[0]}"
        style="width:8rem;image-rendering:pixelated;border:1px solid var(--line);border-radius:8px"></canvas><figcaption class="note">aimed at</figcaption></figure></div>
      <div class="bar"><button aria-pressed="false" id="fine">Between the pixels</button></div>
      <p class="note">The network is asked for the brightness at each pixel's centre, ${size[0]}×${size[1]} of them; between the pixels, at ${finer} times as many
      along each side, where nothing trained it.</p>`;
    const canvas = root.querySelector("canvas"), pen = canvas.getContext("2d"), button = root.querySelector("button");
    canvas.setAttribute("aria-label", "The picture that this network holds");
    function paint(pen, values, w, h) {
      const picture = pen.createImageData(w, h);
      for (let i = 0; i < w * h; i++) {
        for (let c = 0; c < 3; c++) picture.data[4 * i + c] = 255 * (values[i * channels + (channels === 3 ? c : 0)] / 2 + 0.5);
        picture.data[4 * i + 3] = 255;
      }
      pen.putImageData(picture, 0, 0);
    }
    function draw() {
      const dense = button.getAttribute("aria-pressed") === "true", times = dense ? finer : 1;
      const values = network.run((dense ? fine : points).data), [h, w] = size.map((n) => n * times);
      canvas.width = w;
      canvas.height = h;
      paint(pen, values, w, h);
      const aside = root.querySelector("figure");
      aside.hidden = !page.aim;
      if (page.aim) paint(aside.querySelector("canvas").getContext("2d"), page.aim.data, size[1], size[0]);
      root.dataset.values = JSON.stringify(Array.from(values.slice(0, 64)));
    }
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      draw();
    });
    return { show(next) { network = next; draw(); } };
  }

  function signals() {
    root.innerHTML = `<canvas width="720" height="380" role="img" aria-label="The signal that this network holds" style="width:100%;border:1px solid var(--line);border-radius:8px"></canvas>
      <p class="note" id="range"></p>`;
    return {
      show(next) {
        network = next;
        const values = network.run(points.data);
        page.curves(root.querySelector("canvas"), values);
        root.querySelector("#range").textContent = `Across: time, from −1 to 1. Up: the value, from ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}.`;
      },
    };
  }

  // The signed distance on a grid, and rays that march through it until they meet the surface.
  function shapes() {
    root.innerHTML = `<canvas width="360" height="360" tabindex="0" role="img" style="width:100%;max-width:30rem;aspect-ratio:1;border:1px solid var(--line);border-radius:8px;touch-action:none;cursor:grab"
      aria-label="The shape that this network holds; drag, or press the arrow keys, to turn it"></canvas>
      <p class="note">Drag the shape, or focus it and press the arrow keys, to turn it. Each view marches through the network's signed distances on a
      grid of <span id="grid"></span> points a side; the grid gets finer when you hold still.</p>`;
    const canvas = root.querySelector("canvas"), pen = canvas.getContext("2d"), EXTENT = 1.05, COARSE = 24, FINE = 48;
    let turn = 0.6, tilt = 0.35, grid = null, n = 0, timer = null;
    function sample(side) {
      const at = new Float32Array(3 * side ** 3);
      for (let i = 0, o = 0; i < side; i++) for (let j = 0; j < side; j++) for (let k = 0; k < side; k++) {
        for (const v of [i, j, k]) at[o++] = (2 * v / (side - 1) - 1) * EXTENT;
      }
      grid = network.run(at);
      n = side;
      root.querySelector("#grid").textContent = side;
    }
    function distance(x, y, z) {
      const scale = (n - 1) / (2 * EXTENT), at = (v) => Math.max(0, Math.min(n - 1.001, (v + EXTENT) * scale));
      const a = at(x), b = at(y), c = at(z), i = a | 0, j = b | 0, k = c | 0, u = a - i, v = b - j, w = c - k, o = (i * n + j) * n + k, p = n * n;
      const mix = (s, q) => grid[q] + s * (grid[q + 1] - grid[q]);
      const low = mix(w, o) + v * (mix(w, o + n) - mix(w, o)), high = mix(w, o + p) + v * (mix(w, o + p + n) - mix(w, o + p));
      return low + u * (high - low);
    }
    function draw() {
      const side = canvas.width, picture = pen.createImageData(side, side), dark = matchMedia("(prefers-color-scheme: dark)").matches;
      const [st, ct, sp, cp] = [Math.sin(turn), Math.cos(turn), Math.sin(tilt), Math.cos(tilt)];
      const to = [st * cp, sp, ct * cp], right = [ct, 0, -st], up = [-st * sp, cp, -ct * sp], ground = dark ? 32 : 246, h = EXTENT / n;
      let seen = 0;
      for (let py = 0; py < side; py++) for (let px = 0; px < side; px++) {
        const a = (2 * px / side - 1) * 1.25, b = (1 - 2 * py / side) * 1.25, o = 4 * (py * side + px);
        let t = 1.8, hit = false;
        for (let step = 0; step < 60 && t > -1.8; step++) {
          const x = a * right[0] + b * up[0] + t * to[0], y = b * up[1] + t * to[1], z = a * right[2] + b * up[2] + t * to[2];
          const outside = Math.max(Math.abs(x), Math.abs(y), Math.abs(z)) - EXTENT;
          if (outside > 0) { t -= Math.max(outside, 0.02); continue; }
          const d = distance(x, y, z);
          if (d < 0.004) {
            const g = [distance(x + h, y, z) - distance(x - h, y, z), distance(x, y + h, z) - distance(x, y - h, z), distance(x, y, z + h) - distance(x, y, z - h)];
            const length = Math.hypot(...g) || 1, light = Math.max(0, (0.41 * g[0] + 0.82 * g[1] + 0.4 * g[2]) / length), face = Math.max(0, (to[0] * g[0] + to[1] * g[1] + to[2] * g[2]) / length);
            const shade = 0.3 + 0.45 * light + 0.25 * face;
            [86, 152, 214].forEach((c, k) => { picture.data[o + k] = Math.min(255, c * shade * 1.1); });
            hit = true;
            seen++;
            break;
          }
          t -= Math.max(0.8 * d, 0.006);
        }
        if (!hit) picture.data.fill(ground, o, o + 3);
        picture.data[o + 3] = 255;
      }
      pen.putImageData(picture, 0, 0);
      root.dataset.seen = seen;
    }
    const rotate = (dx, dy) => { turn -= dx; tilt = Math.max(-1.5, Math.min(1.5, tilt + dy)); draw(); };
    let held = null;
    canvas.addEventListener("pointerdown", (e) => { held = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener("pointermove", (e) => {
      if (!held) return;
      rotate((e.clientX - held[0]) / 120, (e.clientY - held[1]) / 120);
      held = [e.clientX, e.clientY];
    });
    ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => { held = null; }));
    canvas.addEventListener("keydown", (e) => {
      const keys = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] };
      if (keys[e.key]) { rotate(...keys[e.key]); e.preventDefault(); }
    });
    return {
      show(next) {
        network = next;
        sample(COARSE);
        draw();
        clearTimeout(timer);
        timer = setTimeout(() => { sample(FINE); draw(); }, 250);
      },
    };
  }
};

// The explorer: decodes the network of a point of the space, runs it, walks between two, and searches.
function netspaceExplorer(document) {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent), byId = (id) => document.getElementById(id);
  const page = { data, document, about: data.about, root: byId("panel"), arrays: {}, path: [], at: [0, 0], posterior: null };
  const programs = {}, decoded = new Map();
  let constants, map, panel, size, z, network, ends = [null, null], due = false, searching = 0;

  const run = (name, ...given) => (programs[name] ||= netspacePrograms.compile(data.programs[name], constants))(...given);
  page.run = run;
  const row = (i) => page.arrays.z.data.slice(i * size, (i + 1) * size);
  const project = (z) => [0, 1].map((k) => {
    let s = 0;
    for (let i = 0; i < size; i++) s += (z[i] - page.arrays.mean.data[i]) * page.arrays.axes.data[k * size + i];
    return s;
  });

  // Outputs of a network for any number of inputs, as one array; the last batch is filled up with zeros.
  function outputs(flat, architectureId, inputs, architecture) {
    const length = architecture.inputs, n = inputs.length / length;
    const values = new Float32Array(n * architecture.outputs), batch = n === 1 ? 1 : data.batch;
    for (let i = 0; i < n; i += batch) {
      const part = new Float32Array(batch * length);
      part.set(inputs.subarray(i * length, Math.min(n, i + batch) * length));
      const [result] = run(`apply/${architectureId}/${batch}`, flat, { shape: [batch, ...architecture.shape], data: part });
      values.set(result.data.subarray(0, Math.min(batch, n - i) * architecture.outputs), i * architecture.outputs);
    }
    return values;
  }

  // The network that an embedding stands for; `architectureId` is by default the one that the head reads.
  function decode(z, architectureId) {
    architectureId ??= data.architectures.length > 1 ? maximum(run("classify", z)[0].data) : 0;
    const architecture = data.architectures[architectureId];
    if (!data.kept.includes(architectureId)) return { z, architectureId, architecture, flat: null };
    const flat = run(`generate/${architectureId}`, z)[0].data;
    return { z, architectureId, architecture, flat, run: (inputs) => outputs(flat, architectureId, inputs, architecture) };
  }
  const maximum = (values) => values.reduce((best, v, i) => (v > values[best] ? i : best), 0);
  page.maximum = maximum;

  // Networks of the members nearest in the space to the one that is shown; decoded once.
  page.neighbours = (count, architectureId) => {
    const distances = [];
    for (let i = 0; i < data.score.length; i++) {
      if (map.kind[i] > 1 || data.architecture[i] !== architectureId) continue;
      let s = 0;
      for (let k = 0; k < size; k++) s += (page.arrays.z.data[i * size + k] - z[k]) ** 2;
      if (s > 1e-9) distances.push([s, i]);
    }
    return distances.sort((a, b) => a[0] - b[0]).slice(0, count).map(([, i]) => {
      if (!decoded.has(i)) decoded.set(i, decode(row(i), architectureId));
      return decoded.get(i);
    });
  };
  page.curves = (canvas, values) => {
    const outputs = network.architecture.outputs, n = values.length / outputs, pen = canvas.getContext("2d");
    const style = getComputedStyle(document.body), low = Math.min(...values), high = Math.max(...values);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.lineWidth = 2;
    for (let k = 0; k < Math.min(outputs, 8); k++) {
      pen.strokeStyle = k ? style.getPropertyValue("--warm") : style.getPropertyValue("--accent");
      pen.beginPath();
      for (let i = 0; i < n; i++) pen.lineTo(i / (n - 1) * canvas.width, canvas.height * (0.95 - 0.9 * (values[i * outputs + k] - low) / (high - low || 1)));
      pen.stroke();
    }
  };

  // Whose point this is: its name, and the score that it has itself beside that of the network decoded from it.
  function whose() {
    const i = map.under(page.at);
    if (i === null) { delete document.body.dataset.under; return ""; }
    const own = data.score[i] === null ? "" : `, ${data.metric} ${data.score[i].toFixed(3)} itself`;
    document.body.dataset.under = data.name[i];
    return `At the point of ${data.name[i]}${own}. `;
  }

  function show() {
    due = false;
    network = decode(z);
    const words = [network.architecture.name];
    if (!network.flat) {
      byId("here").textContent = `${words[0]}: too large for this page, which has ${data.megabytes} MB; Python decodes it.`;
    } else {
      if (data.scored) {
        network.outputs = network.run(page.arrays.examples.data);
        const n = network.outputs.length / network.architecture.outputs;
        network.score = run("score", { shape: [n, network.architecture.outputs], data: network.outputs })[0].data[0];
        words.push(`${data.metric} ${network.score.toFixed(3)} on ${n} test inputs, computed here`);
        document.body.dataset.score = network.score;
      }
      byId("here").textContent = whose() + words.join(": ");
      panel.show(network);
    }
    map.draw();
    document.body.dataset.shown = Number(document.body.dataset.shown || 0) + 1;
  }
  function put(embedding, at) {
    z = embedding;
    page.at = at || project(z);
    if (!due) { due = true; requestAnimationFrame(show); }
  }
  // To another network: what a search said and drew is of the one before.
  function leave() {
    stop();
    page.aim = null;
    page.path = [];
    byId("search").textContent = "";
  }
  page.go = (at) => {
    leave();
    at = map.clamp(at);
    const mixed = new Float32Array(size);
    for (const [w, i] of map.mixture(at)) for (let k = 0; k < size; k++) mixed[k] += w * page.arrays.z.data[i * size + k];
    put(mixed, at);
  };
  page.visit = (i) => { leave(); put(row(i), [page.points[2 * i], page.points[2 * i + 1]]); };
  // Hold a network of any embedding, until the map is clicked.
  page.put = (embedding) => { leave(); map.hold(); put(embedding); };
  page.project = project;
  page.redraw = () => map.draw();
  page.way = () => (ends[0] && ends[1] ? ends.map(project) : []);

  // Walk.
  function walk() {
    const share = byId("walk").value / 100;
    put(ends[0].map((a, k) => (1 - share) * a + share * ends[1][k]));
  }
  byId("walk").addEventListener("input", () => { stop(); walk(); });
  ["from", "to"].forEach((id, i) => byId(id).addEventListener("click", () => { ends[i] = z.slice(); byId("walk").value = 100 * i; map.draw(); }));
  byId("play").addEventListener("click", () => {
    if (stop() === "walk") return;
    const token = ++searching, slider = byId("walk"), began = performance.now(), first = Number(slider.value) % 100;
    document.body.dataset.doing = "walk";
    byId("play").textContent = "Stop";
    (function next(now) {
      if (token !== searching) return;
      slider.value = first + (now - began) / 40;
      walk();
      if (slider.value < 100) requestAnimationFrame(next); else stop();
    })(began);
  });

  // Search: the program's own steps, one a frame. What it aims at is the same for all, or what the nearest network that
  // the space never saw says of its inputs.
  const aimOf = (i) => {
    const [, ...shape] = page.arrays.aims.shape, length = shape.reduce((a, b) => a * b);
    return { shape, data: page.arrays.aims.data.slice(i * length, (i + 1) * length) };
  };
  function aimed() {
    const count = page.arrays.aims.shape[0], far = (i) => z.reduce((s, v, k) => s + (page.arrays.z.data[i * size + k] - v) ** 2, 0);
    const place = count > 1 ? [...Array(count).keys()].reduce((best, i) => (far(i) < far(best) ? i : best), 0) : 0;
    page.aim = aimOf(place);
    return count > 1 ? "towards what the nearest network never seen holds: " : data.scored ? "on training inputs: " : "";
  }
  function stop() {
    const was = document.body.dataset.doing;
    searching++;
    delete document.body.dataset.doing;
    byId("play").textContent = "Walk";
    byId("improve").textContent = "Improve";
    return was;
  }
  byId("improve").addEventListener("click", () => {
    if (stop() === "search") return;
    const token = ++searching, { centre, spread } = page.arrays, architectureId = network.architectureId, before = network.score;
    if (!data.kept.includes(architectureId)) return;
    const towards = aimed();
    let u = z.map((v, k) => (v - centre.data[k]) / spread.data[k]), first = new Float32Array(size), second = first.slice();
    let count = { shape: [], data: new Int32Array([0]) }, steps = 0, begun;
    document.body.dataset.doing = "search";
    byId("improve").textContent = "Stop";
    page.path = [project(z)];
    (function next() {
      if (token !== searching) return;
      const state = page.step(architectureId, u, first, second, count);
      [u, first, second] = state.slice(0, 3).map((v) => v.data);
      count = state[3];
      put(u.map((v, k) => centre.data[k] + v * spread.data[k]));
      page.path.push(page.at);
      const loss = state[4].data[0], now = network.score === undefined ? "" : `, ${data.metric} ${before.toFixed(3)} → ${network.score.toFixed(3)}`;
      begun ??= loss;
      byId("search").textContent = `${towards}step ${++steps} of ${data.steps}, loss ${begun.toPrecision(3)} → ${loss.toPrecision(3)}${now}`;
      document.body.dataset.steps = steps;
      if (steps < data.steps) requestAnimationFrame(next); else stop();
    })();
  });

  // The largest difference between outputs computed here and those that Python computed.
  page.check = () => {
    const { checkInputs, checkOutputs } = page.arrays, n = checkOutputs.shape[0];
    let worst = 0, at = 0;
    for (let i = 0; i < n; i++) {
      for (const value of decode(row(i), data.architecture[i]).run(checkInputs.data)) worst = Math.max(worst, Math.abs(value - checkOutputs.data[at++]));
    }
    return data.tasks ? Math.max(worst, page.checkTask()) : worst;
  };
  page.step = (architectureId, ...state) => run(`improve/${architectureId}`, ...state, page.aim || aimOf(0));
  page.decode = (z, architectureId) => decode(Float32Array.from(z), architectureId);

  page.start = async () => {
    const lead = `${data.question} ${data.architectures.filter((_, i) => data.kept.includes(i)).map((a) => `${a.name}: ${a.size.toLocaleString("en")} parameters`).join("; ")}.`;
    byId("lead").textContent = lead + (data.left.length ? ` Left out, since the page may have ${data.megabytes} MB: ${data.left.join(", ")}.` : "");
    constants = await netspaceUnpack({ text: byId("packed").textContent, ...data.packed });
    for (const [name, place] of Object.entries(data.places)) page.arrays[name] = constants[place];
    size = page.arrays.z.shape[1];
    page.points = new Float32Array(2 * data.score.length);
    for (let i = 0; i < data.score.length; i++) page.points.set(project(row(i)), 2 * i);
    map = netspaceMap(page);
    if (data.tasks) netspaceTasks(page);
    panel = page.panel(page.root, page);
    if (data.tasks) page.adaptPanel(byId("adapt"), page);
    const usable = data.architecture.map((a, i) => i).filter((i) => data.kept.includes(data.architecture[i]) && map.kind[i] === 0);
    usable.sort((a, b) => (data.score[b] ?? 0) - (data.score[a] ?? 0));
    const apart = (i) => Math.hypot(...[0, 1].map((k) => page.points[2 * i + k] - page.points[2 * usable[0] + k]));
    const other = usable.slice(0, Math.max(2, usable.length >> 1)).reduce((far, i) => (apart(i) > apart(far) ? i : far));
    ends = [row(usable[0]), row(other)];  // the best, and of the better half the one farthest from it
    byId("improve").disabled = !Object.keys(data.programs).some((name) => name.startsWith("improve/"));
    if (byId("improve").disabled) byId("improve").classList.add("shut");
    page.visit(usable[0]);
    const how = data.bits === 32 ? "as they are" : `rounded to ${data.bits} bits`;
    const variance = data.explained.map((share) => `${(100 * share).toFixed(0)} %`).join(" and ");
    byId("check").textContent = `Outputs computed here differ from the program's by ${page.check().toExponential(1)} at most; parameters ` +
      `of the decoder are ${how}. Across and up the map: the first two principal components, ${variance} of the variance.`;
    byId("main").setAttribute("aria-busy", "false");
    document.body.dataset.ready = "yes";
  };
  return page;
}

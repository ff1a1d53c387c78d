// A new task: images of it to choose as examples, or drawn ones, and the network that they give beside the nearest one.
page.answer = (label) => Float32Array.from({ length: page.about.classes }, (_, k) => (k === label ? 1 : 0));
page.adaptPanel = (root, page) => {
  "use strict";
  const { shape, classes, mean, std } = page.about, [height, width, channels] = shape, size = height * width * channels;
  const { names, pairs } = page.data.tasks, tile = Math.max(16, width), ACROSS = 10;
  root.classList.remove("shut");
  root.innerHTML = `<style>
    #examples { display: flex; flex-wrap: wrap; gap: .3rem; }
    #examples button { padding: .2rem; line-height: 1; font-size: .8rem; min-width: 2.6rem; }
    #examples canvas { width: 2.2rem; height: 2.2rem; margin: 0 auto .2rem; image-rendering: pixelated; border-radius: 3px; }
    #task { min-width: 0; max-width: 100%; }
    #beside:not(.shut) { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; }
    #beside canvas { width: 100%; image-rendering: pixelated; border-radius: 4px; }
    #beside p { font-size: .85rem; }
    </style><h2>A new task, from a few examples</h2>
    <p class="note">${page.about.tasks} Choose images, or draw your own: the space reads them with their classes and says at
    once which network the task needs. Nothing is trained.</p>
    <div class="bar"><label style="min-width:0">Task <select id="task"></select></label></div>
    <div class="bar"><button id="more" class="main">Add an example</button><button id="none">Remove all</button></div>
    <div id="examples" role="group" aria-label="Images of the task: those that are pressed are the examples"></div>
    <div class="bar"><label>The ${channels === 1 ? "drawing" : "image"} under “The network here”, of class
    <select id="label"></select></label><button id="drawn">Add it</button></div>
    <p id="found" aria-live="polite" style="font-weight:600"></p><p id="familiar" class="note" aria-live="polite"></p>
    <div id="beside" class="shut"><div><canvas id="own" role="img"></canvas><p id="ownText"></p></div>
    <div><canvas id="near" role="img"></canvas><p id="nearText"></p></div></div>`;
  const $ = (id) => root.querySelector(`#${id}`);
  [...names, "your own drawings"].forEach((name, i) => $("task").add(new Option(name, i)));
  for (let k = 0; k < classes; k++) $("label").add(new Option(k, k));
  let task = null, examples = [], means = [], checking = 0;
  const shade = (values, at) => (y, x, c) => {
    const channel = channels === 3 ? c : 0;
    return 255 * (values[at + (y * width + x) * channels + channel] * std[channel % std.length] + mean[channel % mean.length]);
  };

  // A button for an image; pressed while it is an example.
  function button(input, label, own) {
    const one = document.createElement("button"), canvas = document.createElement("canvas"), example = { input, answer: page.answer(label) };
    Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d"), picture = pen.createImageData(width, height);
    page.paint(picture, shade(input, 0));
    pen.putImageData(picture, 0, 0);
    one.append(canvas, label);
    one.setAttribute("aria-label", `${own ? "Drawn" : "Image"}, class ${label}`);
    one.setAttribute("aria-pressed", false);
    one.addEventListener("click", () => {
      const pressed = !examples.includes(example);
      if (pressed && examples.length === pairs) return;
      examples = pressed ? [...examples, example] : examples.filter((other) => other !== example);
      one.setAttribute("aria-pressed", pressed);
      if (own && !pressed) one.remove();
      update();
    });
    $("examples").append(one);
    return one;
  }

  function restart() {
    const i = Number($("task").value);
    task = i < names.length ? page.task(i) : null;
    [examples, means] = [[], []];
    $("examples").replaceChildren();
    if (task) task.targets.forEach((label, k) => button(task.inputs.slice(k * size, (k + 1) * size), label, false));
    update();
  }

  // Accuracy of a network on the other images of the task, which are shown.
  function tried(network, name, words) {
    const outputs = network.run(task.testInputs), count = task.testTargets.length;
    const right = (i) => page.maximum(outputs.subarray(i * classes, (i + 1) * classes)) === task.testTargets[i];
    const pixel = (i, y, x, c) => shade(task.testInputs, i * size)(y, x, c);
    const wrong = page.mosaic($(name), { count, across: ACROSS, tile, pixel, right }), accuracy = 1 - wrong / count;
    $(`${name}Text`).textContent = `${words}: ${wrong} of ${count} other images wrong (framed), accuracy ${accuracy.toFixed(3)}.`;
    $(name).setAttribute("aria-label", $(`${name}Text`).textContent);
    return accuracy;
  }

  function update() {
    const count = examples.length, token = ++checking, full = count === pairs;
    document.body.dataset.examples = count;
    $("more").disabled = full || !root.querySelector("#examples [aria-pressed=false]");
    $("drawn").disabled = full;
    $("none").disabled = !count;
    $("familiar").textContent = "";
    page.posterior = null;
    if (!count) {
      $("beside").classList.add("shut");
      $("found").textContent = `Choose ${task ? "an image to begin: one example already says a lot" : "a class and add what you have drawn"}.`;
      means = [];
      page.redraw();
      return;
    }
    const said = page.posteriorOf(examples), network = page.decode(said.mean);
    means = [...means, page.project(said.mean)].slice(-pairs);
    page.posterior = { means, ring: page.ring(said.mean, said.deviation) };
    page.put(said.mean);
    const from = `From ${count} example${count > 1 ? "s" : ""}${full ? ", the most that this page reads" : ""}`;
    const near = network.flat && page.nearestTrained(said.mean, network.architectureId);
    $("beside").classList.toggle("shut", !task || !near);
    if (!network.flat) { $("found").textContent = `${from}: ${network.architecture.name}, too large for this page.`; return; }
    if (task && near) {
      const accuracy = tried(network, "own", "The network from the examples"), other = tried(near, "near", "The nearest on the map that trained the space");
      document.body.dataset.adapted = accuracy;
      $("found").textContent = `${from}: accuracy ${accuracy.toFixed(3)} on other images of this task; nearest training network ${other.toFixed(3)}.`;
    } else $("found").textContent = `${from}: draw another image, and see what the network says of it.`;
    setTimeout(() => { if (token === checking) familiar(network.architectureId, said.expectedLoss); }, 60);
  }

  function familiar(architectureId, expected) {
    const start = "■ on the map: where the task lies; the ring is one standard deviation. ";
    if (examples.length < 2) { $("familiar").textContent = `${start}One example alone cannot say whether the space knows such tasks.`; return; }
    const loss = page.leftOutLoss(architectureId, examples), figures = `mean loss ${loss.toFixed(2)}, usually at most ${expected.toFixed(2)}`;
    document.body.dataset.leftOut = loss;
    $("familiar").textContent = start + (loss <= expected ? `The examples foretell one another as in tasks that the space knows (${figures}).`
      : `Careful: the examples do not foretell one another (${figures}), so the task may be unlike all that the space has learned.`);
  }

  $("task").addEventListener("change", restart);
  $("none").addEventListener("click", restart);
  $("more").addEventListener("click", () => root.querySelector("#examples [aria-pressed=false]").click());
  $("drawn").addEventListener("click", () => {
    const input = page.asked();
    if (input.every((value) => value === input[0])) { $("found").textContent = "The drawing field is empty: draw something first."; return; }
    button(input, Number($("label").value), true).click();
  });
  restart();
};

// Networks on rows of a table: what one predicts as one column runs over its range, the others at their medians.
page.panel = (root, page) => {
  "use strict";
  const { names, low, high, target, mean, std, labels, steps } = page.about, grid = page.arrays.grid;
  const outputs = labels.length || 1, width = grid.data.length / (names.length * steps);
  root.innerHTML = `<label>As <select></select> changes</label>
    <canvas width="720" height="380" role="img" style="width:100%;border:1px solid var(--line);border-radius:8px"></canvas><p class="note"></p>`;
  const select = root.querySelector("select"), canvas = root.querySelector("canvas"), note = root.querySelector("p");
  let network = null;
  names.forEach((name) => select.append(new Option(name)));
  function draw() {
    const place = select.selectedIndex, rows = grid.data.subarray(place * steps * width, (place + 1) * steps * width);
    const values = Array.from(network.run(rows)).map((value) => value * std + mean);
    page.curves(canvas, values);
    const range = `from ${Math.min(...values).toPrecision(3)} to ${Math.max(...values).toPrecision(3)}`;
    const what = labels.length ? `the logits of ${labels.slice(0, 8).join(", ")}` : target;
    note.textContent = `Across: ${names[place]}, from ${low[place].toPrecision(3)} to ${high[place].toPrecision(3)}; all other columns at their medians. Up: ${what}, ${range}.`;
    canvas.setAttribute("aria-label", note.textContent);
    root.dataset.values = JSON.stringify(values.slice(0, steps * outputs));
  }
  select.addEventListener("change", draw);
  return { show(next) { network = next; draw(); } };
};

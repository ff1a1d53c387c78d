// New tasks: from a few examples to where a task lies in the space, and how surely; tasks.py beside this module.
function netspaceTasks(page) {
  "use strict";
  const { arrays, data } = page, { pairs } = data.tasks;
  const part = (array, task) => array.data.subarray(task * array.data.length / array.shape[0], (task + 1) * array.data.length / array.shape[0]);
  page.task = (i) => ({
    name: data.tasks.names[i],
    inputs: part(arrays.taskInputs, i), targets: part(arrays.taskTargets, i),
    testInputs: part(arrays.taskTestInputs, i), testTargets: part(arrays.taskTestTargets, i),
  });

  // Examples, each { input, answer }, as the programs take them: filled up with pairs of weight 0.
  function filled(examples) {
    const [, , ...shape] = arrays.taskInputs.shape, length = shape.reduce((a, b) => a * b), answers = examples[0].answer.length;
    const inputs = new Float32Array(pairs * length), wanted = new Float32Array(pairs * answers), weight = new Float32Array(pairs);
    examples.forEach(({ input, answer }, i) => { inputs.set(input, i * length); wanted.set(answer, i * answers); weight[i] = 1; });
    return [{ shape: [pairs, ...shape], data: inputs }, { shape: [pairs, answers], data: wanted }, weight];
  }
  // What the examples say: { mean, deviation, expectedLoss }.
  page.posteriorOf = (examples) => {
    const [mean, deviation, expected] = page.run("embed_task", ...filled(examples)).map((v) => v.data);
    return { mean, deviation, expectedLoss: expected[0] };
  };
  page.leftOutLoss = (architectureId, examples) => page.run(`left_out/${architectureId}`, ...filled(examples))[0].data[0];

  // The ellipse of one standard deviation, projected on the map's plane.
  page.ring = (mean, deviation) => {
    const axes = arrays.axes.data, size = mean.length, centre = page.project(mean);
    const covariance = (j, k) => deviation.reduce((s, d, i) => s + d * d * axes[j * size + i] * axes[k * size + i], 0);
    const a = Math.sqrt(Math.max(covariance(0, 0), 1e-20)), b = covariance(0, 1) / a, c = Math.sqrt(Math.max(covariance(1, 1) - b * b, 0));
    return Array.from({ length: 48 }, (_, i) => {
      const angle = i / 48 * 2 * Math.PI, [x, y] = [Math.cos(angle), Math.sin(angle)];
      return [centre[0] + a * x, centre[1] + b * x + c * y];
    });
  };

  // The network on the map that trained the space and lies nearest to an embedding, decoded from its own.
  page.nearestTrained = (z, architectureId) => {
    const size = z.length, first = data.kinds[0].count, all = arrays.z.data;
    let best = -1, least = Infinity;
    for (let i = first; i < first + data.kinds[1].count; i++) {
      if (data.architecture[i] !== architectureId) continue;
      let s = 0;
      for (let k = 0; k < size; k++) s += (all[i * size + k] - z[k]) ** 2;
      if (s < least) [best, least] = [i, s];
    }
    return best < 0 ? null : page.decode(all.subarray(best * size, (best + 1) * size), architectureId);
  };

  // The largest difference to Python's outputs of a network found from the first examples of the first task.
  page.checkTask = () => {
    const { inputs, targets, testInputs } = page.task(0), wanted = arrays.taskOutputs, [count, outputs] = wanted.shape;
    const length = inputs.length / targets.length, examples = Array.from(targets.subarray(0, 5), (label, i) => ({
      input: inputs.subarray(i * length, (i + 1) * length), answer: page.answer(label) }));
    const found = page.decode(page.posteriorOf(examples).mean, data.kept[0]).run(testInputs.subarray(0, count * length));
    return found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - wanted.data[i])), 0);
  };
}

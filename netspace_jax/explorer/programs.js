// Runs the programs that netspace_jax/explorer/programs.py writes: JAX's primitives on typed arrays.
// A value is { shape, data }; numbers are float32, sums are taken in 64 bits.
const netspacePrograms = (() => {
  "use strict";
  const KINDS = { f: Float32Array, i: Int32Array, b: Uint8Array };
  const count = (shape) => shape.reduce((a, b) => a * b, 1);
  const make = (shape, kind) => ({ shape, data: new KINDS[kind](count(shape)) });
  function stridesOf(shape) {
    const strides = new Array(shape.length);
    for (let i = shape.length - 1, step = 1; i >= 0; step *= shape[i--]) strides[i] = step;
    return strides;
  }

  // Copies a block between two strided arrays.
  function move(shape, from, at, steps, to, place, places, axis = 0) {
    if (axis === shape.length) { to[place] = from[at]; return; }
    const n = shape[axis], a = steps[axis], b = places[axis];
    if (axis === shape.length - 1) { for (let i = 0; i < n; i++) to[place + i * b] = from[at + i * a]; return; }
    for (let i = 0; i < n; i++) move(shape, from, at + i * a, steps, to, place + i * b, places, axis + 1);
  }

  // Elementwise operations, each compiled once into a loop of its own. An operand may be a single number.
  const FORMULAS = {
    abs: "Math.abs(a)", add: "a+b", add_any: "a+b", and: "a&b", ceil: "Math.ceil(a)", clamp: "Math.min(Math.max(b,a),c)",
    cos: "Math.cos(a)", div: "a/b", eq: "a===b?1:0", exp: "Math.exp(a)", expm1: "Math.expm1(a)", floor: "Math.floor(a)",
    ge: "a>=b?1:0", gt: "a>b?1:0", le: "a<=b?1:0", log: "Math.log(a)", log1p: "Math.log1p(a)", logistic: "1/(1+Math.exp(-a))",
    lt: "a<b?1:0", max: "a>b?a:b", min: "a<b?a:b", mul: "a*b", ne: "a!==b?1:0", neg: "-a", not: "a?0:1", or: "a|b",
    pow: "Math.pow(a,b)", rem: "a%b", round: "Math.sign(a)*Math.round(Math.abs(a))", rsqrt: "1/Math.sqrt(a)",
    select_n: "a?c:b", sign: "Math.sign(a)", sin: "Math.sin(a)", sqrt: "Math.sqrt(a)", square: "a*a", sub: "a-b",
    tanh: "Math.tanh(a)", convert_element_type: "a", integer_pow: "Math.pow(a,y)",
  };
  const loops = {};
  function elementwise(name, operands, shape, kind, y) {
    loops[name] ||= new Function("n", "o", "A", "B", "C", "p", "q", "r", "y",
      `for(let i=0;i<n;i++){const a=A[i*p],b=B[i*q],c=C[i*r];o[i]=${FORMULAS[name]};}`);
    const out = make(shape, kind), n = out.data.length;
    operands = operands.map((x) => (x.data.length === n || x.data.length === 1 ? x : widened(x, shape)));
    const [a, b, c] = [0, 1, 2].map((i) => operands[i] || operands[0]);
    const step = (x) => (x.data.length === n ? 1 : 0);
    loops[name](n, out.data, a.data, b.data, c.data, step(a), step(b), step(c), y);
    return out;
  }

  // Axes of size 1 as often as the shape has them; `dims` are the places of x's axes among the shape's.
  function widened(x, shape, dims = x.shape.map((_, i) => i)) {
    const strides = stridesOf(x.shape), steps = shape.map(() => 0), data = new x.data.constructor(count(shape));
    dims.forEach((axis, i) => { steps[axis] = x.shape[i] === 1 ? 0 : strides[i]; });
    move(shape, x.data, 0, steps, data, 0, stridesOf(shape));
    return { shape, data };
  }

  function transpose(x, order) {
    const out = make(order.map((axis) => x.shape[axis]), "f"), steps = stridesOf(x.shape);
    out.data = new x.data.constructor(x.data.length);
    move(out.shape, x.data, 0, order.map((axis) => steps[axis]), out.data, 0, stridesOf(out.shape));
    return out;
  }

  function reduce(x, axes, shape, kind, first, join) {
    const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const turned = transpose(x, [...kept, ...axes]), out = make(shape, kind), n = out.data.length;
    const length = n ? x.data.length / n : 0;
    for (let i = 0; i < n; i++) out.data[i] = join(turned.data, i * length, length, first);
    return out;
  }
  const sum = (d, at, n) => { let s = 0; for (let i = 0; i < n; i++) s += d[at + i]; return s; };
  const best = (sign, place) => (d, at, n) => {
    let best = 0;
    for (let i = 1; i < n; i++) if (sign * d[at + i] > sign * d[at + best]) best = i;
    return place ? best : d[at + best];
  };

  // A matrix product over groups of axes: (batch, free, summed) and (batch, summed, free).
  function grouped(x, groups) {
    const steps = stridesOf(x.shape), merged = [];
    for (const axes of groups) {
      for (let i = 1; i < axes.length; i++) {
        if (steps[axes[i - 1]] !== steps[axes[i]] * x.shape[axes[i]]) {
          const turned = transpose(x, groups.flat());
          let at = 0;
          return grouped(turned, groups.map((axes) => axes.map(() => at++)));
        }
      }
      merged.push({ size: count(axes.map((i) => x.shape[i])), step: axes.length ? steps[axes[axes.length - 1]] : 0 });
    }
    return { data: x.data, merged };
  }
  function dot(a, b, [[aSum, bSum], [aBatch, bBatch]], shape) {
    const free = (x, ...used) => x.shape.map((_, i) => i).filter((i) => !used.flat().includes(i));
    const left = grouped(a, [aBatch, free(a, aBatch, aSum), aSum]);
    const right = grouped(b, [bBatch, bSum, free(b, bBatch, bSum)]);
    const [batch, rows, inner] = left.merged, [batchB, innerB, columns] = right.merged;
    const out = make(shape, "f"), A = left.data, B = right.data, K = inner.size, N = columns.size;
    const along = N >= 8 && columns.step <= innerB.step, total = new Float64Array(N);
    for (let g = 0, o = 0; g < batch.size; g++) {
      for (let m = 0; m < rows.size; m++, o += N) {
        const from = g * batch.step + m * rows.step, base = g * batchB.step;
        if (along) {
          total.fill(0);
          for (let k = 0; k < K; k++) {
            const w = A[from + k * inner.step], row = base + k * innerB.step;
            if (w !== 0) for (let n = 0; n < N; n++) total[n] += w * B[row + n * columns.step];
          }
          out.data.set(total, o);
        } else {
          for (let n = 0; n < N; n++) {
            const row = base + n * columns.step;
            let s = 0;
            for (let k = 0; k < K; k++) s += A[from + k * inner.step] * B[row + k * innerB.step];
            out.data[o + n] = s;
          }
        }
      }
    }
    return out;
  }

  // Convolution over one or two axes, whatever the layout; the innermost loop runs over the batch.
  function convolve(x, w, shape, [strides, padding, xDilation, wDilation, groups, [xs, ws, os]]) {
    const out = make(shape, "f"), flat = xs.length === 3;
    const two = (values, filling) => (flat ? [filling, values[0]] : values);
    const axes = (value, spec) => {
      const steps = stridesOf(value.shape), pick = (v, none) => [v[spec[0]], v[spec[1]], ...two(spec.slice(2).map((i) => v[i]), none)];
      return [pick(value.shape, 1), pick(steps, 0)];
    };
    const [[N, , H, W], [xn, xc, xh, xw]] = axes(x, xs), [[O, I, KH, KW], [wo, wi, wh, ww]] = axes(w, ws);
    const [[, , OH, OW], [on, oc, oh, ow]] = axes(out, os);
    const [sh, sw] = two(strides, 1), [dh, dw] = two(xDilation, 1), [eh, ew] = two(wDilation, 1);
    const [ph, pw] = two(padding.map((p) => p[0]), 0), perGroup = O / groups, X = x.data, K = w.data, Y = out.data;
    for (let o = 0; o < O; o++) for (let i = 0; i < I; i++) {
      const channel = (Math.floor(o / perGroup) * I + i) * xc;
      for (let kh = 0; kh < KH; kh++) for (let kw = 0; kw < KW; kw++) {
        const weight = K[o * wo + i * wi + kh * wh + kw * ww];
        if (weight === 0) continue;
        for (let r = 0; r < OH; r++) {
          const h = r * sh + kh * eh - ph;
          if (h < 0 || h % dh || h / dh >= H) continue;
          for (let c = 0; c < OW; c++) {
            const v = c * sw + kw * ew - pw;
            if (v < 0 || v % dw || v / dw >= W) continue;
            const from = channel + h / dh * xh + v / dw * xw, to = o * oc + r * oh + c * ow;
            for (let n = 0; n < N; n++) Y[to + n * on] += weight * X[from + n * xn];
          }
        }
      }
    }
    return out;
  }

  function pool(x, shape, [window, strides, padding], first, join) {
    const out = make(shape, "f"), steps = stridesOf(x.shape), rank = shape.length;
    const where = new Array(rank).fill(0), kernel = count(window);
    for (let o = 0; o < out.data.length; o++) {
      let value = first;
      for (let k = 0; k < kernel; k++) {
        let rest = k, at = 0, inside = true;
        for (let axis = rank - 1; axis >= 0; axis--) {
          const i = where[axis] * strides[axis] + rest % window[axis] - padding[axis][0];
          rest = Math.floor(rest / window[axis]);
          inside &&= i >= 0 && i < x.shape[axis];
          at += i * steps[axis];
        }
        if (inside) value = join(value, x.data[at]);
      }
      out.data[o] = value;
      for (let axis = rank - 1; axis >= 0 && ++where[axis] === shape[axis]; axis--) where[axis] = 0;
    }
    return out;
  }

  const reshaped = (x, shape) => ({ shape, data: x.data });
  const OPERATIONS = {
    reshape: ([x], shape) => reshaped(x, shape), squeeze: ([x], shape) => reshaped(x, shape),
    expand_dims: ([x], shape) => reshaped(x, shape), copy: ([x]) => x, stop_gradient: ([x]) => x,
    transpose: ([x], shape, kind, [order]) => transpose(x, order),
    broadcast_in_dim: ([x], shape, kind, [dims]) => widened(x, shape, dims),
    concatenate(parts, shape, kind, [axis]) {
      const out = make(shape, kind), steps = stridesOf(shape);
      let at = 0;
      for (const x of parts) {
        move(x.shape, x.data, 0, stridesOf(x.shape), out.data, at, steps);
        at += x.shape[axis] * steps[axis];
      }
      return out;
    },
    slice([x], shape, kind, [starts, strides]) {
      const out = make(shape, kind), steps = stridesOf(x.shape);
      const at = starts.reduce((a, start, i) => a + start * steps[i], 0);
      move(shape, x.data, at, steps.map((s, i) => s * (strides ? strides[i] : 1)), out.data, 0, stridesOf(shape));
      return out;
    },
    pad([x, filling], shape, kind, [config]) {
      const out = make(shape, kind), to = stridesOf(shape), from = stridesOf(x.shape);
      if (filling.data[0]) out.data.fill(filling.data[0]);
      let at = 0, place = 0;
      const block = x.shape.map((n, i) => {
        const [low, , inner] = config[i], step = inner + 1;
        const begin = low < 0 ? Math.ceil(-low / step) : 0, end = Math.min(n, Math.ceil((shape[i] - low) / step));
        at += begin * from[i];
        place += (low + begin * step) * to[i];
        return Math.max(end - begin, 0);
      });
      if (count(block)) move(block, x.data, at, from, out.data, place, to.map((s, i) => s * (config[i][2] + 1)));
      return out;
    },
    rev([x], shape, kind, [axes]) {
      const out = make(shape, kind), steps = stridesOf(shape);
      const at = axes.reduce((a, axis) => a + (shape[axis] - 1) * steps[axis], 0);
      move(shape, x.data, at, steps.map((s, i) => (axes.includes(i) ? -s : s)), out.data, 0, steps);
      return out;
    },
    reduce_sum: ([x], shape, kind, [axes]) => reduce(x, axes, shape, kind, 0, sum),
    reduce_max: ([x], shape, kind, [axes]) => reduce(x, axes, shape, kind, 0, best(1, false)),
    reduce_min: ([x], shape, kind, [axes]) => reduce(x, axes, shape, kind, 0, best(-1, false)),
    argmax: ([x], shape, kind, [axes]) => reduce(x, axes, shape, kind, 0, best(1, true)),
    argmin: ([x], shape, kind, [axes]) => reduce(x, axes, shape, kind, 0, best(-1, true)),
    reduce_window_max: ([x], shape, kind, params) => pool(x, shape, params, -Infinity, Math.max),
    reduce_window_sum: ([x], shape, kind, params) => pool(x, shape, params, 0, (a, b) => a + b),
    dot_general: ([a, b], shape, kind, [dims]) => dot(a, b, dims, shape),
    conv_general_dilated: ([x, w], shape, kind, params) => convolve(x, w, shape, params),
  };

  // A function of arrays. What depends on constants alone is computed once.
  function compile({ inputs, equations, results }, constants) {
    const fixed = new Set(), kept = new Map();
    equations.forEach(([, operands], i) => {
      if (operands.every((n) => n < 0 || fixed.has(n))) fixed.add(inputs + i);
    });
    return (...given) => {
      const values = given.map((data, i) => (data.shape ? data : { shape: [data.length], data }));
      const read = (n) => (n < 0 ? constants[-1 - n] : values[n]);
      equations.forEach(([name, operands, shape, kind, params], i) => {
        const number = inputs + i;
        if (kept.has(number)) { values[number] = kept.get(number); return; }
        const args = operands.map(read);
        values[number] = FORMULAS[name] ? elementwise(name, args, shape, kind, params[0])
          : OPERATIONS[name](args, shape, kind, params);
        if (fixed.has(number)) kept.set(number, values[number]);
      });
      return results.map(read);
    };
  }
  return { compile, make };
})();

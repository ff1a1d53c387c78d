// Reads the arrays that netspace_jax/explorer/packing.py writes.
async function netspaceUnpack({ text, size, table }) {
  const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~";
  const value = new Uint8Array(128);
  for (let i = 0; i < 85; i++) value[letters.charCodeAt(i)] = i;
  const data = new Uint8Array(text.length / 5 * 4);
  for (let i = 0, o = 0; i < text.length; i += 5, o += 4) {
    let n = 0;
    for (let k = 0; k < 5; k++) n = n * 85 + value[text.charCodeAt(i + k)];
    data[o] = n >>> 24; data[o + 1] = n >>> 16; data[o + 2] = n >>> 8; data[o + 3] = n;
  }
  const stream = new Blob([data.subarray(0, size)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let at = 0;
  const planes = (n, count) => {
    const values = new Uint32Array(n);
    for (let p = 0; p < count; p++, at += n) for (let i = 0; i < n; i++) values[i] |= bytes[at + i] << 8 * p;
    return values;
  };
  const half = (h) => {
    const sign = h & 0x8000 ? -1 : 1, exponent = h >> 10 & 31, rest = h & 1023;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + rest / 1024) : 2 ** -24 * rest);
  };
  return table.map(([shape, kind]) => {
    const n = shape.reduce((a, b) => a * b, 1);
    if (kind === "b") { at += n; return { shape, data: bytes.slice(at - n, at) }; }
    if (kind === "h") return { shape, data: Float32Array.from(planes(n, 2), half) };
    if (kind === "i") return { shape, data: new Int32Array(planes(n, 4).buffer) };
    if (kind === "f") return { shape, data: new Float32Array(planes(n, 4).buffer) };
    const columns = shape[shape.length - 1], step = new Float32Array(planes(columns, 4).buffer);
    const whole = planes(n, Math.ceil(kind / 8)), middle = 2 ** (kind - 1) - 1, values = new Float32Array(n);
    for (let i = 0; i < n; i++) values[i] = (whole[i] - middle) * step[i % columns];
    return { shape, data: values };
  });
}

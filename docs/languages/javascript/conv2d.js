// A convolution of any numbers, as somebody writes one.

// How many outputs an axis has: { size, taps, stride, dilation, before, after }.
export function outputs({ size, taps, stride, dilation, before, after }) {
  return Math.floor((size + before + after - dilation * (taps - 1) - 1) / stride) + 1;
}

// Fill y, (N, O, P, Q), with the convolution of x, (N, C, H, W), and w, (O, C/G, K_h, K_w).
export function conv2d(x, w, bias, y, { batch, channels, outChannels, rows, columns, groups }) {
  const each = channels / groups;
  const outEach = outChannels / groups;
  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      for (let p = 0; p < outputs(rows); p++) {
        for (let q = 0; q < outputs(columns); q++) {
          let sum = bias ? bias[o] : 0;
          for (let c = 0; c < each; c++) {
            const plane = n * channels + Math.floor(o / outEach) * each + c;
            for (let i = 0; i < rows.taps; i++) {
              const h = rows.stride * p + rows.dilation * i - rows.before;
              if (h < 0 || h >= rows.size) continue;
              for (let j = 0; j < columns.taps; j++) {
                const v = columns.stride * q + columns.dilation * j - columns.before;
                if (v < 0 || v >= columns.size) continue;
                const tap = w[((o * each + c) * rows.taps + i) * columns.taps + j];
                sum += tap * x[(plane * rows.size + h) * columns.size + v];
              }
            }
          }
          y[at++] = sum;
        }
      }
    }
  }
}

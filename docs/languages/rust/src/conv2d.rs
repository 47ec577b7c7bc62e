//! A convolution of float32 or float64 images, as somebody writes one.
use std::ops::{AddAssign, Mul};

#[derive(Clone, Copy, Default)]
pub struct Axis {
    pub size: usize,
    pub taps: usize,
    pub stride: usize,
    pub dilation: usize,
    pub before: usize,
    pub after: usize,
}

impl Axis {
    /// How many outputs there are; None where the kernel is larger than the padded image, or nothing makes sense.
    pub fn outputs(&self) -> Option<usize> {
        let reach = self.dilation * self.taps.checked_sub(1)? + 1;
        let steps = (self.size + self.before + self.after).checked_sub(reach)?.checked_div(self.stride)?;
        (self.dilation > 0).then_some(steps + 1)
    }

    /// The pixel that output p reads through tap k: S·p + D·k − T; None where a zero stands.
    fn pixel(&self, p: usize, k: usize) -> Option<usize> {
        let pixel = (self.stride * p + self.dilation * k).checked_sub(self.before)?;
        (pixel < self.size).then_some(pixel)
    }
}

/// (N, O, P, Q) of an input (N, C, H, W), a weight (O, C/G, K_h, K_w) and a bias (O,).
#[allow(clippy::too_many_arguments)]
pub fn conv2d<T>(
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    batch: usize,
    channels: usize,
    out_channels: usize,
    axes: [Axis; 2],
    groups: usize,
) -> Vec<T>
where
    T: Copy + Default + AddAssign + Mul<Output = T>,
{
    let [rows, columns] = axes;
    let (each, out_each) = (channels / groups, out_channels / groups);
    let (p_size, q_size) = (rows.outputs().unwrap_or(0), columns.outputs().unwrap_or(0));
    let mut y = Vec::with_capacity(batch * out_channels * p_size * q_size);
    for n in 0..batch {
        for o in 0..out_channels {
            let group = o / out_each;
            for p in 0..p_size {
                for q in 0..q_size {
                    let mut sum = bias.map_or(T::default(), |b| b[o]);
                    for c in 0..each {
                        let plane = n * channels + group * each + c;
                        for i in 0..rows.taps {
                            for j in 0..columns.taps {
                                if let (Some(h), Some(v)) = (rows.pixel(p, i), columns.pixel(q, j)) {
                                    let tap = w[((o * each + c) * rows.taps + i) * columns.taps + j];
                                    sum += tap * x[(plane * rows.size + h) * columns.size + v];
                                }
                            }
                        }
                    }
                    y.push(sum);
                }
            }
        }
    }
    y
}

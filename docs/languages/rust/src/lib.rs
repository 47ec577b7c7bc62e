//! From the file of a case to the file of its result: what stands between refconv and the kernel.
pub mod conv2d;
pub mod safetensors;

use conv2d::{conv2d, Axis};
use safetensors::{write_result, File};
use std::{error::Error, mem::size_of, path::Path};

/// Whether the case is supported: then its result has been written.
pub fn run_case(case: &Path, result: &Path) -> Result<bool, Box<dyn Error>> {
    let file = File::read(case)?;
    let dtype = file.tensor("input").ok_or("no input")?.dtype;
    if ["weight", "bias"].iter().any(|name| file.tensor(name).is_some_and(|tensor| tensor.dtype != dtype)) {
        return Ok(false); // types that differ
    }
    match dtype {
        "F32" => run_typed(&file, result, |b| f32::from_le_bytes(b.try_into().unwrap()), |n| n.to_le_bytes().to_vec()),
        "F64" => run_typed(&file, result, |b| f64::from_le_bytes(b.try_into().unwrap()), |n| n.to_le_bytes().to_vec()),
        _ => Ok(false),
    }
}

fn run_typed<T>(file: &File, result: &Path, from: fn(&[u8]) -> T, to: fn(&T) -> Vec<u8>) -> Result<bool, Box<dyn Error>>
where
    T: Copy + Default + std::ops::AddAssign + std::ops::Mul<Output = T>,
{
    let values = |name: &str| Some(file.tensor(name)?.bytes.chunks(size_of::<T>()).map(from).collect::<Vec<T>>());
    let (image, kernel) = (file.tensor("input").ok_or("no input")?, file.tensor("weight").ok_or("no weight")?);
    let padding = file.text("padding").ok_or("no padding")?;
    let (&[batch, channels, height, width], &[out_channels, each, taps_high, taps_wide]) =
        (&image.shape[..], &kernel.shape[..])
    else {
        return Ok(false); // an image without a batch
    };
    if padding.starts_with(char::is_alphabetic) {
        return Ok(false); // "same_upper"
    }
    let numbers = |name: &str| -> Result<Vec<usize>, Box<dyn Error>> {
        file.text(name).ok_or(name)?.split(' ').map(|number| Ok(number.parse()?)).collect()
    };
    let (stride, padding, dilation, groups) =
        (numbers("stride")?, numbers("padding")?, numbers("dilation")?, numbers("groups")?[0]);
    let &[top, bottom, left, right] = &padding[..] else { return Err("padding must be four numbers".into()) };
    let axes = [
        Axis { size: height, taps: taps_high, stride: stride[0], dilation: dilation[0], before: top, after: bottom },
        Axis { size: width, taps: taps_wide, stride: stride[1], dilation: dilation[1], before: left, after: right },
    ];
    let [Some(p), Some(q)] = axes.map(|axis| axis.outputs()) else { return Err("the kernel does not fit".into()) };
    let (x, w, bias) = (values("input").unwrap(), values("weight").unwrap(), values("bias"));
    if groups == 0
        || each * groups != channels
        || out_channels % groups > 0
        || bias.as_ref().is_some_and(|b| b.len() != out_channels)
    {
        return Err("these channels and groups do not go together".into());
    }
    let y = conv2d(&x, &w, bias.as_deref(), batch, channels, out_channels, axes, groups);
    write_result(result, image.dtype, &[batch, out_channels, p, q], &y.iter().flat_map(to).collect::<Vec<u8>>())?;
    Ok(true)
}

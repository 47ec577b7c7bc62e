//! VECTORS=DIR cargo test: hold every case to its bound, and leave the results for refconv judge.
use conv::{
    run_case,
    safetensors::{File, Tensor},
};
use std::{env, fs, path::Path};

fn widened(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype {
        "F64" => tensor.bytes.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
        _ => tensor.bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect(),
    }
}

/// Within its bound of the result, or equal to it, or both NaN; an infinite bound allows anything.
fn is_right(a: f64, b: f64, bound: f64) -> bool {
    bound.is_infinite() || (a - b).abs() <= bound || a == b || (a.is_nan() && b.is_nan())
}

fn count_wrong(case: &Path, result: &Path) -> usize {
    let (vector, left) = (File::read(case).unwrap(), File::read(result).unwrap());
    let (want, bound, got) =
        (vector.tensor("result").unwrap(), vector.tensor("bound").unwrap(), left.tensor("result").unwrap());
    assert_eq!(got.shape, want.shape, "{}", case.display());
    let numbers = widened(&got).into_iter().zip(widened(&want)).zip(widened(&bound));
    numbers.filter(|&((a, b), bound)| !is_right(a, b, bound)).count()
}

#[test]
fn every_case_is_within_its_bound() {
    let folder = env::var("VECTORS").expect("VECTORS=DIR, where refconv has written the vectors");
    let results = Path::new(&folder).join("results");
    fs::create_dir_all(&results).unwrap();
    let (mut passed, mut skipped, mut failures) = (0, 0, Vec::new());
    for entry in fs::read_dir(Path::new(&folder).join("cases")).unwrap() {
        let case = entry.unwrap().path();
        let result = results.join(case.file_name().unwrap());
        match run_case(&case, &result) {
            Ok(false) => skipped += 1,
            Ok(true) if count_wrong(&case, &result) == 0 => passed += 1,
            Ok(true) => failures.push(case.display().to_string()),
            Err(error) => failures.push(format!("{}: {error}", case.display())),
        }
    }
    println!("{passed} passed, {} failed, {skipped} skipped", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

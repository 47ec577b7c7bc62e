//! conv CASE RESULT: the target exec:target/release/conv.
use std::{env, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().collect();
    let [_, case, result] = &words[..] else {
        eprintln!("usage: conv CASE RESULT");
        return ExitCode::from(2);
    };
    match conv::run_case(Path::new(case), Path::new(result)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("floats in batches, padding in numbers");
            ExitCode::from(77)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

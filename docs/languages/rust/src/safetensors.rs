//! Read a case and write a result, with std alone: eight bytes, a header in JSON, little-endian numbers.
use std::{fs, io, path::Path};

pub struct File {
    header: String,
    data: Vec<u8>,
}

pub struct Tensor<'a> {
    pub dtype: &'a str,
    pub shape: Vec<usize>,
    pub bytes: &'a [u8],
}

impl File {
    pub fn read(path: &Path) -> io::Result<File> {
        let mut bytes = fs::read(path)?;
        let is_no_file = || io::Error::new(io::ErrorKind::InvalidData, "no safetensors file");
        let length: [u8; 8] = bytes.get(..8).and_then(|b| b.try_into().ok()).ok_or_else(is_no_file)?;
        let start = 8usize.saturating_add(u64::from_le_bytes(length) as usize);
        if start > bytes.len() {
            return Err(is_no_file());
        }
        let data = bytes.split_off(start);
        let header = String::from_utf8(bytes.split_off(8)).map_err(|_| is_no_file())?;
        Ok(File { header, data })
    }

    /// What stands between `"name":` + opening and the closing, in the header, which has no blanks.
    fn find(&self, name: &str, opening: &str, closing: char) -> Option<&str> {
        let (_, after) = self.header.split_once(&format!("\"{name}\":{opening}"))?;
        Some(after.split_once(closing)?.0)
    }

    /// A parameter, such as `"stride":"2 1"`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.find(name, "\"", '"')
    }

    pub fn tensor(&self, name: &str) -> Option<Tensor<'_>> {
        let entry = self.find(name, "{\"dtype\":\"", '}')?; // F32","shape":[2,3],"data_offsets":[0,24]
        let parts: Vec<&str> = entry.split(['"', '[', ']']).collect();
        let (dtype, shape, offsets) = (*parts.first()?, *parts.get(4)?, *parts.get(8)?);
        let numbers = |list: &str| list.split(',').filter_map(|n| n.trim().parse().ok()).collect::<Vec<usize>>();
        let range = numbers(offsets);
        Some(Tensor { dtype, shape: numbers(shape), bytes: self.data.get(*range.first()?..*range.get(1)?)? })
    }
}

pub fn write_result(path: &Path, dtype: &str, shape: &[usize], bytes: &[u8]) -> io::Result<()> {
    let size = bytes.len();
    let header = format!("{{\"result\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[0,{size}]}}}}");
    fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), bytes].concat())
}

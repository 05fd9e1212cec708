//! Sorting of any number of records within a bound of memory: sorted runs go to temporary files and are merged.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
};

/// A key and what is kept with it.
pub(super) type Record = (Vec<u8>, Vec<u8>);

/// Bytes of records held before a run is written.
const HELD: usize = 64 << 20;
/// What a held record takes besides its own bytes.
const OVERHEAD: usize = 64;

/// Takes records and gives them back by key; those of one key in the order they came.
#[derive(Debug)]
pub(super) struct Sorter {
    records: Vec<Record>,
    bytes: usize,
    limit: usize,
    runs: Vec<File>,
}

impl Default for Sorter {
    fn default() -> Self {
        Self::with_limit(HELD)
    }
}

impl Sorter {
    /// One that holds so many bytes.
    pub(super) fn with_limit(limit: usize) -> Self {
        Self { records: Vec::new(), bytes: 0, limit, runs: Vec::new() }
    }

    /// Takes a record.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        self.records.push((key.to_vec(), value.to_vec()));
        self.bytes += key.len() + value.len() + OVERHEAD;
        if self.bytes >= self.limit {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.records.sort_by(|left, right| left.0.cmp(&right.0));
        let mut run = BufWriter::new(tempfile::tempfile()?);
        for (key, value) in self.records.drain(..) {
            for part in [&key, &value] {
                run.write_all(&(part.len() as u64).to_le_bytes())?;
                run.write_all(part)?;
            }
        }
        let mut run = run.into_inner().map_err(io::IntoInnerError::into_error)?;
        run.rewind()?;
        self.runs.push(run);
        self.bytes = 0;
        Ok(())
    }

    /// All records in order.
    pub(super) fn sorted(mut self) -> io::Result<impl Iterator<Item = io::Result<Record>>> {
        self.records.sort_by(|left, right| left.0.cmp(&right.0));
        let runs = self.runs.into_iter().map(|run| {
            let mut run = BufReader::new(run);
            Box::new(std::iter::from_fn(move || read(&mut run).transpose())) as Box<dyn Iterator<Item = io::Result<Record>>>
        });
        let held = Box::new(self.records.into_iter().map(Ok)) as Box<dyn Iterator<Item = io::Result<Record>>>;
        let mut sources: Vec<_> = runs.chain([held]).collect();
        // Of equal keys the earlier run comes first.
        let mut heads = BinaryHeap::new();
        for (source, records) in sources.iter_mut().enumerate() {
            if let Some(record) = records.next() {
                let (key, value) = record?;
                heads.push(Reverse((key, source, value)));
            }
        }
        Ok(std::iter::from_fn(move || {
            let Reverse((key, source, value)) = heads.pop()?;
            match sources.get_mut(source).and_then(Iterator::next) {
                Some(Ok((key, value))) => heads.push(Reverse((key, source, value))),
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
            Some(Ok((key, value)))
        }))
    }
}

/// One record of a run; `None` at its end.
fn read(run: &mut impl Read) -> io::Result<Option<Record>> {
    let Some(key) = read_part(run)? else { return Ok(None) };
    let value = read_part(run)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Some((key, value)))
}

fn read_part(run: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match run.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut part = vec![0; usize::try_from(u64::from_le_bytes(length)).map_err(io::Error::other)?];
    run.read_exact(&mut part)?;
    Ok(Some(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_alike_in_memory_and_over_runs() {
        let records: Vec<(String, usize)> = (0..1000).map(|index| (format!("{:02}", index * 37 % 91), index)).collect();
        let sorted = |limit: usize| {
            let mut sorter = Sorter::with_limit(limit);
            for (key, value) in &records {
                sorter.push(key.as_bytes(), value.to_string().as_bytes()).unwrap();
            }
            let runs = sorter.runs.len();
            (
                runs,
                sorter
                    .sorted()
                    .unwrap()
                    .map(|record| {
                        record.map(|(key, value)| (String::from_utf8(key).unwrap(), String::from_utf8(value).unwrap().parse().unwrap()))
                    })
                    .collect::<io::Result<Vec<(String, usize)>>>()
                    .unwrap(),
            )
        };
        let mut expected = records.clone();
        expected.sort_by(|left, right| left.0.cmp(&right.0));
        let (none, held) = sorted(usize::MAX);
        let (many, merged) = sorted(4_096);
        assert_eq!((none, &held), (0, &expected));
        assert!(many > 5);
        assert_eq!(merged, expected);
    }
}

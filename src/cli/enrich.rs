//! `copydesk enrich`: the same path as the service, without Kafka.

use std::{
    io::{BufWriter, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use serde_json::value::RawValue;

use super::{EnrichArguments, Exit, failure};
use crate::{
    article::Message,
    enrich::OffsetUnit,
    intake::Format,
    pipeline::Pipeline,
    pretty::{self, Style},
};

/// Runs the command. Rejected articles are named on standard error, and make the exit code a failure.
pub(super) fn run(arguments: EnrichArguments) -> Result<Exit, Exit> {
    let config = arguments.configured.start()?;
    let offsets = if arguments.pretty { OffsetUnit::CodePoint } else { config.offsets };
    let format = config.intake.format;
    let pipeline = Pipeline::load(config.intake, offsets, config.original);
    let stdout = std::io::stdout();
    let style = Style { colour: stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none(), paragraphs: None };
    let mut out = BufWriter::new(stdout.lock());
    let mut rejected = 0;
    let files = if arguments.files.is_empty() { vec![PathBuf::from("-")] } else { arguments.files };
    for file in files {
        let bytes = read(&file)?;
        for (index, article) in articles(bytes, format).into_iter().enumerate() {
            match pipeline.document(&Message::local(article)) {
                Ok((document, _)) => {
                    let text = match arguments.pretty {
                        true => pretty::render(&document, style),
                        false => serde_json::to_string(&document).map_err(failure)?,
                    };
                    if let Err(error) = writeln!(out, "{text}") {
                        // `copydesk enrich … | head` is no failure.
                        return if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(Exit::Success) } else { Err(failure(error)) };
                    }
                }
                Err(rejection) => {
                    eprintln!("{}, article {}: {rejection}", file.display(), index + 1);
                    rejected += 1;
                }
            }
        }
    }
    out.flush().map_err(failure)?;
    Ok(if rejected > 0 { Exit::Failure } else { Exit::Success })
}

/// Reads a file; `-` is standard input.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Exit> {
    let mut bytes = Vec::new();
    let result = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    result.map_err(|error| failure(format!("{}: cannot be read: {error}", file.display())))?;
    Ok(bytes)
}

/// Tells JSON Lines, a JSON array, one JSON document and plain text apart, and splits accordingly.
pub(super) fn articles(bytes: Vec<u8>, format: Format) -> Vec<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(&bytes) else { return vec![bytes] };
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if format == Format::Text || !trimmed.starts_with(['{', '[']) {
        return vec![bytes];
    }
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(trimmed) {
        return items.iter().map(|item| item.get().as_bytes().to_vec()).collect();
    }
    let lines: Vec<&str> = trimmed.lines().filter(|line| !line.trim().is_empty()).collect();
    // One document over several lines does not have a line that is a whole document.
    let is_lines = lines.len() > 1 && lines.first().is_some_and(|first| serde_json::from_str::<&RawValue>(first).is_ok());
    if is_lines { lines.iter().map(|line| line.as_bytes().to_vec()).collect() } else { vec![bytes] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_inputs_apart() {
        for (input, count) in [
            ("plain text\n\n{not json}", 1),
            ("{\"text\":\"a\"}", 1),
            ("{\n \"text\": \"a\"\n}", 1),
            ("{\"text\":\"a\"}\n{\"text\":\"b\"}\n", 2),
            ("{\"text\":\"a\"}\n{broken\n", 2),
            ("[{\"text\":\"a\"}, {\"text\":\"b\"}]", 2),
            ("{broken", 1),
        ] {
            assert_eq!(articles(input.as_bytes().to_vec(), Format::Auto).len(), count, "{input}");
        }
    }
}

//! `copydesk enrich`: the same path as the service, without Kafka.

use std::{
    io::{BufRead, BufReader, IsTerminal, Write},
    path::{Path, PathBuf},
};

use serde_json::value::RawValue;

use super::{EnrichArguments, Exit, failure};
use crate::{
    article::Message,
    config::colours_allowed,
    enrich::OffsetUnit,
    files::{Files, Kind},
    intake::Format,
    pipeline::Pipeline,
    pretty::{self, Style},
};

/// Runs the command. Rejected articles are named on standard error, and make the exit code a failure.
pub(super) fn run(arguments: EnrichArguments) -> Result<Exit, Exit> {
    let config = arguments.configured.start()?;
    let mut output = config.output;
    if arguments.pretty {
        output.offsets = OffsetUnit::CodePoint;
    }
    let format = config.intake.format;
    let pipeline = Pipeline::load(config.intake, output, config.original);
    let refused = |error| {
        eprintln!("{error}");
        Exit::Configuration
    };
    Files::new(Kind::Gazetteers, config.gazetteers).load(&pipeline).map_err(refused)?;
    Files::new(Kind::Taxonomies, config.taxonomies).load(&pipeline).map_err(refused)?;
    let stdout = std::io::stdout();
    let style = Style { colour: stdout.is_terminal() && colours_allowed(), paragraphs: None };
    let mut out = stdout.lock();
    let mut rejected = 0;
    let files = if arguments.files.is_empty() { vec![PathBuf::from("-")] } else { arguments.files };
    for file in files {
        for (index, article) in articles(open(&file)?, format).map_err(|error| unreadable(&file, &error))?.enumerate() {
            let article = article.map_err(|error| unreadable(&file, &error))?;
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

/// Opens a file; `-` is standard input.
pub(super) fn open(file: &Path) -> Result<Box<dyn BufRead>, Exit> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let opened = std::fs::File::open(file).map_err(|error| unreadable(file, &error))?;
    Ok(Box::new(BufReader::new(opened)))
}

pub(super) fn unreadable(file: &Path, error: &std::io::Error) -> Exit {
    failure(format!("{}: cannot be read: {error}", file.display()))
}

/// Articles of a file, one after the other.
pub(super) type Articles = Box<dyn Iterator<Item = std::io::Result<Vec<u8>>>>;

/// Tells JSON Lines, a JSON array, one JSON document and plain text apart, and splits accordingly.
///
/// A first line that is a whole JSON object makes the input JSON Lines, which are read as they come; anything else is read
/// to its end.
pub(super) fn articles(mut input: Box<dyn BufRead>, format: Format) -> std::io::Result<Articles> {
    let mut head = Vec::new();
    while format != Format::Text && head.trim_ascii().is_empty() {
        if input.read_until(b'\n', &mut head)? == 0 {
            break;
        }
    }
    let first = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head).trim_ascii();
    if first.starts_with(b"{") && serde_json::from_slice::<&RawValue>(first).is_ok() {
        let lines = std::iter::once(Ok(first.to_vec())).chain(input.split(b'\n'));
        return Ok(Box::new(lines.filter(|line| !line.as_ref().is_ok_and(|line| line.trim_ascii().is_empty()))));
    }
    let array = first.starts_with(b"[");
    input.read_to_end(&mut head)?;
    if array && let Ok(items) = serde_json::from_slice::<Vec<&RawValue>>(&head) {
        let items: Vec<Vec<u8>> = items.iter().map(|item| item.get().as_bytes().to_vec()).collect();
        return Ok(Box::new(items.into_iter().map(Ok)));
    }
    Ok(Box::new(std::iter::once(Ok(head))))
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
            let input = Box::new(std::io::Cursor::new(input.to_owned()));
            assert_eq!(articles(input, Format::Auto).unwrap().count(), count);
        }
    }
}

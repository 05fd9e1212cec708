//! The command line. Every command is a function of the parsed arguments and the configuration; exit codes are in
//! [`Exit`].

mod backfill;
mod check;
mod demo;
mod dlq;
mod enrich;
mod gazetteer;
mod models;
mod progress;

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::{
    article::EnrichedArticle,
    config::{Config, LogFormat},
    metrics::Metrics,
    service::{self, ServiceError},
    stream::{self, StreamError},
};

/// Exit codes, as documented in README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// Something of the surroundings failed: a broker, a file.
    Failure = 1,
    /// The command line was wrong (clap's own code).
    Usage = 2,
    /// The configuration was wrong.
    Configuration = 64,
    /// `check`: Kafka cannot be reached, or a topic is missing.
    Unavailable = 69,
    /// The shutdown deadline passed with messages in flight; they are read again.
    Deadline = 75,
}

impl Exit {
    /// All codes with their meaning.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Success, "done"),
        (Self::Failure, "a broker, a file or the network failed"),
        (Self::Usage, "the command line was wrong"),
        (Self::Configuration, "the configuration was wrong"),
        (Self::Unavailable, "check: Kafka cannot be reached or a topic is missing"),
        (Self::Deadline, "the shutdown deadline passed with messages in flight"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

const EXAMPLES: &str = "Examples:
  copydesk demo                                  see it work, no set-up
  copydesk enrich article.txt --pretty           one article, in colour
  cat articles.jsonl | copydesk enrich > out.jsonl
  copydesk check --brokers kafka:9092            configuration, brokers, topics, memory bound
  copydesk topics create --brokers kafka:9092 --partitions 12
  copydesk run --config copydesk.toml            the service
  COPYDESK_KAFKA_BROKERS=kafka:9092 copydesk run --set enrich.workers=4";

#[derive(Debug, Parser)]
#[command(name = "copydesk", version, about = "Enriches news on Kafka: clean text, language, people, organisations, places, topics", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: raw articles in, enriched articles out.
    Run(Configured),
    /// Enrich files or standard input without Kafka; JSON Lines out.
    #[command(
        after_help = "Input is JSON Lines, one JSON document (or an array of articles), or plain text, told apart by content.\nA plain text is one article. Without files, standard input is read."
    )]
    Enrich(EnrichArguments),
    /// Run the whole service on an embedded broker, with sample articles or your files.
    Demo(DemoArguments),
    /// Check configuration, brokers and topics, and print the memory bound.
    Check(Configured),
    /// Make the topics copydesk needs.
    Topics {
        #[command(subcommand)]
        command: TopicsCommand,
    },
    /// Send articles (files, or the sample articles) to the input topic.
    Feed(FeedArguments),
    /// Dead letters: list them, show one, send them back.
    Dlq {
        #[command(subcommand)]
        command: dlq::Dlq,
    },
    /// Enrich articles of the past again, to a topic of its own, and say what that changed.
    Backfill(backfill::Backfill),
    /// Print the JSON Schema of an enriched article.
    Schema,
    /// Names of your own: import, compile and check tables for enrich.gazetteers.
    Gazetteer {
        #[command(subcommand)]
        command: gazetteer::Gazetteer,
    },
    /// Train a shipped model from corpora on disk.
    Train {
        #[command(subcommand)]
        command: models::Train,
    },
    /// Measure a step on labelled text: yours, before you trust it.
    Eval {
        #[command(subcommand)]
        command: models::Eval,
    },
}

#[derive(Debug, Subcommand)]
enum TopicsCommand {
    /// Make input, output, routed and dead-letter topics; existing ones are left as they are.
    Create {
        #[command(flatten)]
        configured: Configured,
        /// Partitions of a new topic.
        #[arg(long, default_value_t = 8)]
        partitions: i32,
        /// Replicas of a new topic; -1 takes the broker's default.
        #[arg(long, default_value_t = -1, allow_hyphen_values = true)]
        replication_factor: i32,
    },
}

/// Flags that shape the configuration: the last word over file and environment.
#[derive(Debug, Args)]
struct Configured {
    /// TOML file; COPYDESK_CONFIG names one too.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting, such as kafka.group=desk; may be repeated.
    #[arg(long = "set", value_name = "SETTING=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// kafka.brokers.
    #[arg(long, value_name = "HOST:PORT,…")]
    brokers: Option<String>,
    /// kafka.group.
    #[arg(long)]
    group: Option<String>,
    /// kafka.input.
    #[arg(long, value_name = "TOPIC,…")]
    input: Option<String>,
    /// kafka.output.
    #[arg(long, value_name = "TOPIC")]
    output: Option<String>,
    /// http.listen.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// log.format: human, json or auto.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// log.level.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

#[derive(Debug, Args)]
struct EnrichArguments {
    /// Files; `-` is standard input.
    files: Vec<PathBuf>,
    /// Show articles with coloured mentions instead of JSON.
    #[arg(long)]
    pretty: bool,
    #[command(flatten)]
    configured: Configured,
}

#[derive(Debug, Args)]
struct DemoArguments {
    /// Your own articles; without them the samples are fed, with one poison message and one tombstone.
    files: Vec<PathBuf>,
    /// End once everything fed has come out, instead of waiting for Ctrl-C.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    configured: Configured,
}

#[derive(Debug, Args)]
struct FeedArguments {
    /// Files as for `enrich`; without them the sample articles are sent.
    files: Vec<PathBuf>,
    /// Articles a second.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// How often to send everything; 0 goes on until stopped.
    #[arg(long, default_value_t = 1, value_name = "N")]
    repeat: u64,
    #[command(flatten)]
    configured: Configured,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (path, value) = text.split_once('=').ok_or("wanted SETTING=VALUE, such as kafka.group=desk")?;
    Ok((path.trim().to_owned(), value.to_owned()))
}

impl Configured {
    fn load(self) -> Result<Config, Exit> {
        let named = [
            ("kafka.brokers", self.brokers),
            ("kafka.group", self.group),
            ("kafka.input", self.input),
            ("kafka.output", self.output),
            ("http.listen", self.listen),
            ("log.format", self.log_format),
            ("log.level", self.log_level),
        ];
        let mut flags = self.set;
        flags.extend(named.into_iter().filter_map(|(path, value)| Some((path.to_owned(), value?))));
        Config::load(self.config, &flags).map_err(|faults| {
            eprintln!("{faults}");
            Exit::Configuration
        })
    }

    /// Loads the configuration and starts logging as it says.
    fn start(self) -> Result<Config, Exit> {
        let config = self.load()?;
        start_logging(&config);
        Ok(config)
    }
}

fn start_logging(config: &Config) {
    let json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let result = if json {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init()
    };
    // Only tests start it twice.
    drop(result);
}

/// Runs the program: parses the process's arguments and does what they say.
pub fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Run(configured) => run(configured),
        Command::Enrich(arguments) => enrich::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Check(configured) => check::run(configured),
        Command::Topics { command: TopicsCommand::Create { configured, partitions, replication_factor } } => {
            create_topics(configured, partitions, replication_factor)
        }
        Command::Feed(arguments) => demo::feed(arguments),
        Command::Dlq { command } => dlq::run(command),
        Command::Backfill(arguments) => backfill::run(arguments),
        Command::Schema => schema(),
        Command::Gazetteer { command } => gazetteer::run(command),
        Command::Train { command } => models::train(command),
        Command::Eval { command } => models::eval(command),
    };
    exit.unwrap_or_else(|exit| exit).into()
}

/// Two threads drive the asynchronous side; the work itself runs on blocking threads, bounded by the stream.
fn runtime(workers: usize) -> Result<Runtime, Exit> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(workers + 8).enable_all().build().map_err(|error| {
        eprintln!("failed to start the runtime: {error}");
        Exit::Failure
    })
}

fn run(configured: Configured) -> Result<Exit, Exit> {
    let config = configured.start()?;
    let metrics = metrics()?;
    let runtime = runtime(config.stream.workers)?;
    let result = runtime.block_on(async { service::run(config, metrics, |_| (), service::signal()).await });
    // Whatever still blocks (a client closing without brokers) must not keep the process.
    runtime.shutdown_background();
    Ok(ended(result))
}

fn ended(result: Result<(), ServiceError>) -> Exit {
    match result {
        Ok(()) => Exit::Success,
        Err(error) => {
            tracing::error!("{error}");
            match error {
                ServiceError::Stream(StreamError::Deadline(_)) => Exit::Deadline,
                ServiceError::Files(_) => Exit::Configuration,
                _ => Exit::Failure,
            }
        }
    }
}

fn metrics() -> Result<Metrics, Exit> {
    Metrics::new().map_err(|error| {
        eprintln!("failed to register the metrics: {error}");
        Exit::Failure
    })
}

fn create_topics(configured: Configured, partitions: i32, replication: i32) -> Result<Exit, Exit> {
    let settings = configured.start()?.stream;
    let topics = settings.topics();
    let created = runtime(1)?.block_on(stream::create_topics(&settings, &topics, partitions, replication)).map_err(failure)?;
    let mut exit = Exit::Success;
    for (topic, result) in created {
        match result {
            stream::Created::Yes => println!("{topic}: created"),
            stream::Created::Existed => println!("{topic}: exists, left as it is"),
            stream::Created::No(why) => {
                println!("{topic}: refused: {why}");
                exit = Exit::Failure;
            }
        }
    }
    Ok(exit)
}

fn failure(error: impl std::fmt::Display) -> Exit {
    eprintln!("{error}");
    Exit::Failure
}

fn schema() -> Result<Exit, Exit> {
    let schema = schemars::schema_for!(EnrichedArticle);
    println!("{}", serde_json::to_string_pretty(&schema).map_err(failure)?);
    Ok(Exit::Success)
}

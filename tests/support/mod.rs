//! What the tests share: the built program as a process, a real broker, and a reader of topics.
#![allow(dead_code, unreachable_pub, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod cluster;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Headers, Message},
};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until a condition holds; fails with `what` after `patience`.
pub fn wait_for(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < deadline, "waited {patience:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Puts a text where a file is, as a user should: whole, by renaming.
pub fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// A record as it was read.
#[derive(Debug, Clone)]
pub struct Read {
    pub topic: String,
    pub key: Option<Vec<u8>>,
    pub payload: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<String>)>,
    numbers: Vec<(String, u32)>,
}

impl Read {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref())
    }

    /// A header of four bytes, a little-endian number.
    pub fn number(&self, name: &str) -> u32 {
        self.numbers.iter().find(|(key, _)| key == name).unwrap().1
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.payload.as_deref().unwrap()).unwrap()
    }
}

/// Reads topics from their beginning, without a group.
pub struct Reader(BaseConsumer);

impl Reader {
    /// Sees what transactions left uncommitted, too.
    pub fn new(brokers: &str, topics: &[&str], partitions: i32) -> Self {
        Self::isolated(brokers, topics, partitions, "read_uncommitted")
    }

    /// Sees what is committed only.
    pub fn committed(brokers: &str, topics: &[&str], partitions: i32) -> Self {
        Self::isolated(brokers, topics, partitions, "read_committed")
    }

    fn isolated(brokers: &str, topics: &[&str], partitions: i32, isolation: &str) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("isolation.level", isolation)
            .set("group.id", "test-reader")
            .set("enable.auto.commit", "false")
            // After a crash of the broker a position may be refused; skipping to the end would look like a loss.
            .set("auto.offset.reset", "earliest")
            .set("fetch.message.max.bytes", "16777216")
            .set("receive.message.max.bytes", "100000000")
            .create()
            .unwrap();
        let mut assignment = TopicPartitionList::new();
        for topic in topics {
            for partition in 0..partitions {
                assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
            }
        }
        consumer.assign(&assignment).unwrap();
        Self(consumer)
    }

    /// The next record, if one comes within a short while.
    pub fn next(&self) -> Option<Read> {
        let message = self.0.poll(Duration::from_millis(200))?.ok()?;
        Some(Read {
            topic: message.topic().to_owned(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            numbers: message.headers().map_or_else(Vec::new, |headers| {
                headers.iter().filter_map(|h| Some((h.key.to_owned(), u32::from_le_bytes(h.value?.try_into().ok()?)))).collect()
            }),
            headers: message.headers().map_or_else(Vec::new, |headers| {
                headers.iter().map(|h| (h.key.to_owned(), h.value.map(|v| String::from_utf8_lossy(v).into_owned()))).collect()
            }),
        })
    }

    /// Reads until there are `count` records.
    pub fn take(&self, count: usize, patience: Duration) -> Vec<Read> {
        let mut read = Vec::new();
        let deadline = Instant::now() + patience;
        while read.len() < count {
            assert!(Instant::now() < deadline, "{} of {count} records after {patience:?}", read.len());
            read.extend(self.next());
        }
        read
    }
}

/// The built program, running.
pub struct Copydesk {
    child: Child,
    pub http: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Copydesk {
    /// Starts `copydesk run` with settings, JSON logs and HTTP on a free port.
    pub fn run(brokers: &str, settings: &[(&str, &str)]) -> Self {
        Self::listening(&format!("127.0.0.1:{}", free_port()), brokers, settings)
    }

    /// The same with HTTP on an address.
    pub fn listening(http: &str, brokers: &str, settings: &[(&str, &str)]) -> Self {
        let http = http.to_owned();
        let mut command = Command::new(env!("CARGO_BIN_EXE_copydesk"));
        command.args(["run", "--brokers", brokers, "--listen", &http, "--log-format", "json"]);
        for (path, value) in settings {
            command.args(["--set", &format!("{path}={value}")]);
        }
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let sink = Arc::clone(&log);
        // For whoever looks for a bug: every line of every instance, killed ones too.
        let mut kept = std::env::var_os("KEEP_LOGS").map(|file| std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap());
        let id = child.id();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(kept) = &mut kept {
                    writeln!(kept, "{id} {line}").unwrap();
                }
                sink.lock().unwrap().push(line);
            }
        });
        Self { child, http, log }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn wait_for_log(&self, text: &str, patience: Duration) {
        wait_for(&format!("the log line '{text}' in:\n{}", self.log()), patience, || self.log().contains(text));
    }

    /// Waits until `/metrics` has the line.
    pub fn wait_for_metric(&self, line: &str) {
        wait_for(line, Duration::from_secs(60), || self.get("/metrics").is_some_and(|(_, text)| text.lines().any(|found| found == line)));
    }

    /// Messages whose outcome is acknowledged, of whatever kind.
    pub fn outcomes(&self) -> usize {
        let text = self.get("/metrics").map(|(_, text)| text).unwrap_or_default();
        let counts = text.lines().filter(|line| line.starts_with("copydesk_articles_total{"));
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }

    /// Status and body of a GET.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut response = agent.get(format!("http://{}{path}", self.http)).call().ok()?;
        Some((response.status().as_u16(), response.body_mut().read_to_string().ok()?))
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, in place.
    pub fn kill_now(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The exit code, if it ended.
    pub fn exited(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// Sends a signal.
    pub fn signal(&self, name: &str) {
        Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
    }

    /// SIGTERM, and the exit code.
    pub fn terminate(self) -> i32 {
        self.end().0
    }

    /// SIGTERM, which must end in a clean drain, or while brokers are in trouble with a word on what is read again.
    pub fn stop(self) {
        let (code, log) = self.end();
        let lines: Vec<&str> = log.lines().collect();
        assert!(code == 0 || log.contains("read again"), "{}", lines[lines.len().saturating_sub(30)..].join("\n"));
    }

    fn end(mut self) -> (i32, String) {
        // Before its first line it does not listen for signals yet.
        self.wait_for_log("copydesk starts", Duration::from_secs(20));
        self.signal("TERM");
        let mut code = None;
        wait_for("the end after SIGTERM", Duration::from_secs(40), || {
            code = self.exited();
            code.is_some()
        });
        (code.unwrap(), self.log())
    }

    /// Waits until it ends by itself.
    pub fn ended(&mut self, patience: Duration) -> i32 {
        let mut code = None;
        wait_for("the program to end", patience, || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Copydesk {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

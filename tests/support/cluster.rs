//! A real Apache Kafka: `KAFKA_BROKERS` if set, else nodes of our own, which end with the value.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Mutex,
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};

use super::{free_port, wait_for};

/// The cluster.
pub struct Broker {
    pub address: String,
    nodes: Vec<Node>,
    /// Where the nodes keep what they write, gone with them.
    _data: Option<tempfile::TempDir>,
}

/// A broker and controller process.
struct Node {
    process: Mutex<Child>,
    data: PathBuf,
    port: u16,
}

impl Node {
    fn spawn(data: &Path, disk: Option<u32>) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(data.join("broker.log")).unwrap();
        let limit = disk.map_or_else(|| "unlimited".to_owned(), |disk| disk.to_string());
        Command::new("bash")
            .args(["-c", "ulimit -f \"$1\"; shift; exec bash \"$@\"", "node", &limit])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/broker.sh"))
            .args([Path::new("run"), &data.join("node"), &data.join("properties")])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().ok();
        process.wait().ok();
    }
}

/// What a cluster is made of.
#[derive(Default)]
pub struct Layout<'a> {
    /// Number of nodes.
    pub nodes: usize,
    /// Further listeners of every node.
    pub listeners: Vec<Listener>,
    /// Further broker properties.
    pub properties: &'a str,
    /// Largest file a node can write before it is restarted, KiB: a full disk, as far as a broker can tell.
    pub disk: Option<u32>,
}

/// A listener beside the plain one.
pub struct Listener {
    /// Its name, in capitals.
    pub name: &'static str,
    /// `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.
    pub protocol: &'static str,
    /// Ports by node: where it listens, and what it tells clients, which differ where a proxy stands between.
    pub ports: Vec<(u16, u16)>,
}

impl Listener {
    /// On free ports of so many nodes.
    pub fn new(name: &'static str, protocol: &'static str, nodes: usize) -> Self {
        let port = |_| {
            let port = free_port();
            (port, port)
        };
        Self { name, protocol, ports: (0..nodes).map(port).collect() }
    }

    /// Where clients begin.
    pub fn address(&self) -> String {
        self.ports.iter().map(|(_, advertised)| format!("127.0.0.1:{advertised}")).collect::<Vec<_>>().join(",")
    }
}

/// Runs one of Apache Kafka's own tools, which must succeed.
pub fn tool(arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/broker.sh");
    let output = Command::new("bash").arg(script).arg("tool").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Broker {
    /// Why there can be no broker here, or nothing.
    pub fn unavailable() -> Option<String> {
        if std::env::var("KAFKA_BROKERS").is_ok() {
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/broker.sh");
        let output = Command::new("bash").arg(script).arg("jars").output().unwrap();
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    /// One node, or what `KAFKA_BROKERS` names.
    pub fn start() -> Self {
        match std::env::var("KAFKA_BROKERS") {
            Ok(address) => Self { address, nodes: Vec::new(), _data: None },
            Err(_) => Self::cluster(&Layout { nodes: 1, ..Layout::default() }),
        }
    }

    /// Nodes of our own.
    pub fn cluster(layout: &Layout<'_>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let ports: Vec<(u16, u16)> = (0..layout.nodes).map(|_| (free_port(), free_port())).collect();
        let voters: Vec<String> =
            ports.iter().enumerate().map(|(index, (_, control))| format!("{}@127.0.0.1:{control}", index + 1)).collect();
        let replicas = layout.nodes.min(3);
        let nodes: Vec<Node> = ports
            .iter()
            .enumerate()
            .map(|(index, (port, control))| {
                let data = data.path().join(format!("{}", index + 1));
                std::fs::create_dir_all(&data).unwrap();
                let (mut listens, mut advertises, mut protocols) = (String::new(), String::new(), String::new());
                for Listener { name, protocol, ports } in &layout.listeners {
                    let (listening, advertised) = ports[index];
                    listens += &format!(",{name}://127.0.0.1:{listening}");
                    advertises += &format!(",{name}://127.0.0.1:{advertised}");
                    protocols += &format!(",{name}:{protocol}");
                }
                let properties = format!(
                    "node.id={id}\ncontroller.quorum.voters={voters}\n\
                     listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{control}{listens}\n\
                     advertised.listeners=PLAINTEXT://127.0.0.1:{port}{advertises}\ninter.broker.listener.name=PLAINTEXT\n\
                     listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
                     default.replication.factor={replicas}\noffsets.topic.replication.factor={replicas}\n\
                     transaction.state.log.replication.factor={replicas}\ntransaction.state.log.min.isr={isr}\n\
                     min.insync.replicas={isr}\nshare.coordinator.state.topic.replication.factor={replicas}\n\
                     share.coordinator.state.topic.min.isr={isr}\n{more}\n",
                    id = index + 1,
                    voters = voters.join(","),
                    isr = replicas.div_ceil(2),
                    more = layout.properties,
                );
                std::fs::write(data.join("properties"), properties).unwrap();
                Node { process: Mutex::new(Node::spawn(&data, layout.disk)), data, port: *port }
            })
            .collect();
        let address = nodes.iter().map(Node::address).collect::<Vec<_>>().join(",");
        let broker = Self { address, nodes, _data: Some(data) };
        broker.wait();
        broker
    }

    /// Waits until every node answers.
    pub fn wait(&self) {
        let count = self.nodes.len().max(1);
        let probe: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &self.address).create().unwrap();
        wait_for("the brokers to answer", Duration::from_secs(90), || {
            probe.fetch_metadata(None, Duration::from_secs(2)).is_ok_and(|metadata| metadata.brokers().len() >= count)
        });
    }

    /// SIGKILL of a node.
    pub fn kill(&self, node: usize) {
        self.nodes[node].kill();
    }

    /// Whether a node has ended by itself.
    pub fn has_ended(&self, node: usize) -> bool {
        self.nodes[node].process.lock().unwrap().try_wait().unwrap().is_some()
    }

    /// A new start on the same data, once its predecessor is gone.
    pub fn restart(&self, node: usize) {
        let node = &self.nodes[node];
        *node.process.lock().unwrap() = Node::spawn(&node.data, None);
    }

    /// SIGKILL, and a new start on the same data. False where the broker is not ours to kill.
    pub fn crash(&self) -> bool {
        if self.nodes.is_empty() {
            return false;
        }
        self.kill(0);
        self.restart(0);
        self.wait();
        true
    }

    /// Makes topics that take large records.
    pub fn create(&self, topics: &[&str], partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", &self.address).create().unwrap();
        let replicas = i32::try_from(self.nodes.len().clamp(1, 3)).unwrap();
        let topics: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|topic| NewTopic::new(topic, partitions, TopicReplication::Fixed(replicas)).set("max.message.bytes", "8388608"))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for result in runtime.block_on(admin.create_topics(&topics, &AdminOptions::new())).unwrap() {
            result.unwrap();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.nodes.iter().for_each(Node::kill);
    }
}

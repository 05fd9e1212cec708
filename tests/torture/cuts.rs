//! A network cut between one instance and the cluster, and a disk that is full.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Names, Scale, Tally, faults, feed, instance, see_through, unreachable, wait_for_all};
use crate::support::{
    cluster::{Broker, Layout, Listener},
    free_port, wait_for,
};

/// Passes connections on to a port, until it is cut: then those there are end, and new ones are refused.
struct Proxy {
    port: u16,
    cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, streams) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (is_cut, kept) = (Arc::clone(&cut), Arc::clone(&streams));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if is_cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                for (from, into) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut into) = (from.try_clone().unwrap(), into.try_clone().unwrap());
                    std::thread::spawn(move || {
                        let mut bytes = vec![0; 65_536];
                        while let Ok(read @ 1..) = from.read(&mut bytes) {
                            if into.write_all(&bytes[..read]).is_err() {
                                break;
                            }
                        }
                        into.shutdown(Shutdown::Both).ok();
                    });
                }
                kept.lock().unwrap().extend([client, server]);
            }
        });
        Self { port, cut, streams }
    }

    fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
        for stream in self.streams.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

/// One of two instances loses the cluster for longer than its session and its transactions last, and comes back.
pub fn network(scale: Scale) {
    let total: u32 = scale.pick(30_000, 300_000);
    let cuts = scale.pick(1, 5);
    let listening: Vec<u16> = (0..3).map(|_| free_port()).collect();
    let proxies: Vec<Proxy> = listening.iter().map(|port| Proxy::start(*port)).collect();
    let ports = listening.iter().zip(&proxies).map(|(listening, proxy)| (*listening, proxy.port)).collect();
    let listener = Listener { name: "PROXIED", protocol: "PLAINTEXT", ports };
    let through = listener.address();
    let broker = Broker::cluster(&Layout { nodes: 3, listeners: vec![listener], ..Layout::default() });
    let names = Names::new(&broker, "cut");
    let tally = Tally::start(&broker.address, &names, total, "read_committed");
    let texts = faults::texts(faults::Load::Small);
    let gate = Arc::new(AtomicU32::new(total / 10));
    let feeder = feed(&broker.address, &names.raw, total, &gate, move |id| texts[id as usize % texts.len()].clone().into_bytes());
    let start = || instance(&through, &names, "cut", "exactly-once", &[]);
    let mut cut = start();
    let mut other = instance(&broker.address, &names, "other", "exactly-once", &[]);
    let mut ended = 0;
    for round in 1..=cuts {
        wait_for_all(&tally, total / 10, &other);
        proxies.iter().for_each(|proxy| proxy.cut(true));
        let begun = Instant::now();
        gate.store(total * round / (cuts + 1), Ordering::Relaxed);
        // Its session ends after 6 s, its transactions after 15 s; the other one does the work of both meanwhile.
        while begun.elapsed() < Duration::from_secs(18) || tally.seen() < total * round / (cuts + 1) {
            assert!(begun.elapsed() < Duration::from_secs(180), "{} of {total}: {}", tally.seen(), other.log());
            std::thread::sleep(Duration::from_millis(100));
            if other.exited().is_some() {
                other = instance(&broker.address, &names, "other", "exactly-once", &[]);
            }
        }
        proxies.iter().for_each(|proxy| proxy.cut(false));
        if cut.exited().is_some() {
            cut = start();
            ended += 1;
        }
    }
    gate.store(total, Ordering::Relaxed);
    ended += see_through(&tally, total, &mut cut, start);
    feeder.join().unwrap();
    cut.stop();
    other.stop();
    wait_for("open transactions to end", Duration::from_secs(60), || unreachable(&broker.address, &names) == 0);
    std::thread::sleep(Duration::from_secs(2));
    let count = tally.finish();
    println!(
        "{total} articles, exactly-once, the network of one instance cut {cuts} times for 18 s, {ended} times it had to be started again: {count:?}"
    );
    assert_eq!((count.lost, count.repeats, count.disorder), (0, 0, 0));
}

/// The disk of the only broker is full; it dies of that. With more room it comes back, and so does everything else.
pub fn disk(scale: Scale) {
    const TOTAL: u32 = 12_000;
    for delivery in scale.pick(&["exactly-once"][..], &["exactly-once", "at-least-once"][..]) {
        let broker =
            Broker::cluster(&Layout { nodes: 1, disk: Some(12_000), properties: "compression.type=uncompressed", ..Layout::default() });
        let names = Names::new(&broker, "disk");
        let tally = Tally::start(&broker.address, &names, TOTAL, "read_committed");
        // Large enough for the files of the output partitions to grow beyond the limit.
        let gate = Arc::new(AtomicU32::new(TOTAL));
        let text = faults::texts(faults::Load::Small)[1].repeat(100);
        let feeder = feed(&broker.address, &names.raw, TOTAL, &gate, move |_| text.clone().into_bytes());
        let start = || instance(&broker.address, &names, "a", delivery, &[("kafka.delivery_timeout", "30s"), ("output.original", "true")]);
        let mut copydesk = start();
        wait_for("the broker to die of its disk", Duration::from_secs(120), || {
            broker.has_ended(0) || copydesk.exited().is_some() || tally.seen() == TOTAL
        });
        assert!(broker.has_ended(0), "{} of {TOTAL}: {}", tally.seen(), copydesk.log());
        let before = tally.seen();
        copydesk.wait_for_log("Kafka cannot be reached", Duration::from_secs(60));
        broker.restart(0);
        broker.wait();
        see_through(&tally, TOTAL, &mut copydesk, start);
        feeder.join().unwrap();
        copydesk.stop();
        let count = tally.finish();
        println!("{TOTAL} articles, {delivery}, the broker's disk full after {before} of them, then repaired: {count:?}");
        assert_eq!((count.lost, count.disorder), (0, 0));
        assert!(*delivery == "at-least-once" || count.repeats == 0);
    }
}

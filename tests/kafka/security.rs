//! TLS, SASL and access control, on a cluster of its own with the authorizer on.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    time::Duration,
};

use super::{
    Names, committed, producer, send_councils,
    support::{
        Copydesk, Reader,
        cluster::{Broker, Layout, Listener, tool},
        wait_for,
    },
};

const PASSWORD: &str = "a-password-nobody-may-see";

/// The rights README lists, and no other.
fn allow(broker: &Broker, user: &str, names: &Names) {
    let acl = |arguments: &[&str]| {
        let principal = format!("User:{user}");
        let start = ["org.apache.kafka.tools.AclCommand", "--bootstrap-server", &broker.address, "--add", "--allow-principal", &principal];
        tool(&[&start[..], arguments].concat());
    };
    acl(&["--operation", "Read", "--operation", "Describe", "--topic", &names.raw]);
    for topic in names.outputs() {
        acl(&["--operation", "Write", "--operation", "Describe", "--topic", topic]);
    }
    acl(&["--operation", "Read", "--group", &names.group]);
    acl(&["--operation", "Write", "--operation", "Describe", "--transactional-id", &names.group, "--resource-pattern-type", "prefixed"]);
}

/// A certificate authority, a certificate of the broker, one of a client, and one of a client that has expired.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl is installed");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=authority");
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost").unwrap();
    for (name, validity) in
        [("broker", "-days 30"), ("client", "-days 30"), ("expired", "-not_before 20200101000000Z -not_after 20200201000000Z")]
    {
        openssl(&format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"));
        if name == "expired" {
            // Only the `ca` command sets dates in the past in every release.
            std::fs::create_dir_all(folder.join("issued")).unwrap();
            std::fs::write(folder.join("issued/index"), "").unwrap();
            std::fs::write(folder.join("issued/serial"), "01\n").unwrap();
            std::fs::write(
                folder.join("ca.conf"),
                "[ca]\ndefault_ca=c\n[c]\nnew_certs_dir=issued\ndatabase=issued/index\nserial=issued/serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n",
            )
            .unwrap();
            openssl(
                "ca -batch -config ca.conf -cert ca.pem -keyfile ca.key -in expired.csr -out expired.pem -startdate 200101000000Z -enddate 200201000000Z -notext",
            );
        } else {
            openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem {validity} -extfile names"
            ));
        }
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    std::fs::write(folder.join("keystore.pem"), read("broker.key") + &read("broker.pem")).unwrap();
}

/// An OpenID provider that gives tokens to whom it knows: unsecured ones, which Apache Kafka takes where no keys are set.
fn provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut bytes = [0; 4096];
            while !String::from_utf8_lossy(&request).contains("grant_type") {
                match stream.read(&mut bytes) {
                    Ok(read) if read > 0 => request.extend_from_slice(&bytes[..read]),
                    _ => break,
                }
            }
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
            let claims = format!("{{\"sub\":\"oauth\",\"iat\":{now},\"exp\":{}}}", now + 600);
            let token = format!("{}.{}.", base64("{\"alg\":\"none\"}"), base64(&claims));
            let body = format!("{{\"access_token\":\"{token}\",\"token_type\":\"bearer\",\"expires_in\":600}}");
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
            .ok();
        }
    });
    format!("http://{address}/token")
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let group = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(|at| char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize])).collect::<String>()
    };
    text.as_bytes().chunks(3).map(group).collect()
}

pub(crate) fn least_privilege_over_sasl_and_mutual_tls(_: &Broker) {
    const MESSAGES: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let listeners = vec![Listener::new("SASL", "SASL_PLAINTEXT", 1), Listener::new("TLS", "SSL", 1)];
    let (sasl, tls) = (listeners[0].address(), listeners[1].address());
    let properties = format!(
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\nsuper.users=User:ANONYMOUS\n\
         sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER\n\
         listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain=\"{PASSWORD}\";\n\
         listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
         listener.name.sasl.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";\n\
         listener.name.tls.ssl.client.auth=required\nssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\n\
         ssl.truststore.location={}\nssl.principal.mapping.rules=RULE:^CN=(.*?)$/$1/\n",
        file("keystore.pem"),
        file("ca.pem"),
    );
    let broker = Broker::cluster(&Layout { nodes: 1, listeners, properties: &properties, ..Layout::default() });
    let scram = format!("SCRAM-SHA-512=[password={PASSWORD}]");
    let arguments = ["--alter", "--add-config", &scram, "--entity-type", "users", "--entity-name", "scram"];
    tool(&[&["kafka.admin.ConfigCommand", "--bootstrap-server", &broker.address], &arguments[..]].concat());
    let token_url = provider();
    let password_file = file("password");
    std::fs::write(&password_file, format!("{PASSWORD}\n")).unwrap();
    let (ca, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));

    let sasl_plaintext = ("kafka.security_protocol", "sasl_plaintext");
    let by_password = |mechanism, user| {
        vec![
            sasl_plaintext,
            ("kafka.sasl_mechanism", mechanism),
            ("kafka.sasl_username", user),
            ("kafka.sasl_password_file", &password_file),
        ]
    };
    type Way<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>);
    let ways: [Way<'_>; 4] = [
        ("plain", &sasl, by_password("PLAIN", "plain")),
        ("scram", &sasl, by_password("SCRAM-SHA-512", "scram")),
        (
            "oauth",
            &sasl,
            vec![
                sasl_plaintext,
                ("kafka.sasl_mechanism", "OAUTHBEARER"),
                ("kafka.oauth_token_url", &token_url),
                ("kafka.oauth_client_id", "copydesk"),
                ("kafka.oauth_client_secret", PASSWORD),
            ],
        ),
        (
            "client",
            &tls,
            vec![
                ("kafka.security_protocol", "ssl"),
                ("kafka.ssl_ca_file", &ca),
                ("kafka.ssl_certificate_file", &certificate),
                ("kafka.ssl_key_file", &key),
            ],
        ),
    ];
    for (user, address, security) in ways {
        let names = Names::new(&broker, 1);
        allow(&broker, user, &names);
        send_councils(&producer(&broker), &names.raw, MESSAGES);
        for (delivery, count) in [("at-least-once", 1), ("exactly-once", 2)] {
            let mut settings = names.settings();
            settings.extend([("kafka.delivery", delivery), ("kafka.instance", "one"), ("log.level", "debug")]);
            settings.extend(&security);
            let copydesk = Copydesk::run(address, &settings);
            wait_for(&format!("{user}: the commit"), Duration::from_secs(40), || {
                committed(&broker, &names, 1) >= (MESSAGES * count) as i64
            });
            Reader::committed(&broker.address, &[&names.enriched], 1).take(MESSAGES * count, Duration::from_secs(20));
            assert!(!copydesk.log().contains(PASSWORD), "a secret is in the log");
            assert_eq!(copydesk.terminate(), 0, "{user}, {delivery}");
            send_councils(&producer(&broker), &names.raw, MESSAGES);
        }
        println!("{user}: {} messages with the listed rights alone, in both modes", 2 * MESSAGES);
    }
    taken_away_and_given_back(&broker, &sasl, &by_password("PLAIN", "plain"));
    certificates_that_do_not_hold(&tls, &ca, &file("expired.pem"), &file("expired.key"));
}

/// The right to write goes in mid-flight: a clear end, and nothing is missing once it is back.
fn taken_away_and_given_back(broker: &Broker, address: &str, security: &[(&str, &str)]) {
    const MESSAGES: usize = 3_000;
    for delivery in ["at-least-once", "exactly-once"] {
        let names = Names::new(broker, 1);
        allow(broker, "plain", &names);
        send_councils(&producer(broker), &names.raw, 100);
        let mut settings = names.settings();
        settings.extend([("kafka.delivery", delivery), ("kafka.instance", "one")]);
        settings.extend(security);
        let mut copydesk = Copydesk::run(address, &settings);
        let reader = Reader::committed(&broker.address, &[&names.enriched], 1);
        reader.take(100, Duration::from_secs(60));
        let server = ["org.apache.kafka.tools.AclCommand", "--bootstrap-server", &broker.address];
        let arguments = ["--remove", "--force", "--allow-principal", "User:plain", "--operation", "Write", "--topic", &names.enriched];
        tool(&[&server[..], &arguments].concat());
        send_councils(&producer(broker), &names.raw, MESSAGES);
        assert_eq!(copydesk.ended(Duration::from_secs(60)), 1, "{}", copydesk.log());
        assert!(copydesk.log().contains("allow this user to write to the topic"), "{delivery}: {}", copydesk.log());
        allow(broker, "plain", &names);
        let copydesk = Copydesk::run(address, &settings);
        reader.take(MESSAGES, Duration::from_secs(60));
        assert_eq!(copydesk.terminate(), 0);
        println!("{delivery}: the right to write revoked and given back, {MESSAGES} messages, none missing");
    }
}

fn certificates_that_do_not_hold(address: &str, ca: &str, certificate: &str, key: &str) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_copydesk"));
    program.args(["check", "--brokers", address]);
    for (path, value) in [
        ("kafka.security_protocol", "ssl"),
        ("kafka.ssl_ca_file", ca),
        ("kafka.ssl_certificate_file", certificate),
        ("kafka.ssl_key_file", key),
    ] {
        program.args(["--set", &format!("{path}={value}")]);
    }
    let output = program.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69));
    assert!(error.contains("see whether it has expired"), "{error}");
}

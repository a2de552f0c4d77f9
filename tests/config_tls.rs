//! `[sip.tls]`: certificates that are missing, broken, or do not fit.

#[path = "cli/folder.rs"]
mod folder;

use folder::Folder;
use tipring::config::{Config, Transport};

fn parse(text: &str) -> Config {
    Config::parse("test.toml", text).unwrap_or_else(|report| panic!("{report}"))
}

/// The report on the text has one problem, and contains all of `wanted`.
#[track_caller]
fn complains(text: &str, wanted: &[&str]) {
    let report = Config::parse("test.toml", text).expect_err("this should be wrong");
    assert_eq!(report.problems.len(), 1, "{report}");
    let report = report.to_string();
    for wanted in wanted {
        assert!(report.contains(wanted), "{wanted:?} is not in:\n{report}");
    }
}

#[test]
fn a_listener_over_tls_needs_a_certificate() {
    let listen = "[sip]\nlisten = [\"udp:127.0.0.1:5060\", \"tls:127.0.0.1:5061\"]\n";
    complains(
        listen,
        &["tls:127.0.0.1:5061 needs a certificate", "add a section [sip.tls]", ":2:33:"],
    );
    complains(
        "[sip.tls]\nkey = \"key.pem\"\n",
        &["`key` is nothing without `certificate`", ":2:7:"],
    );
}

#[test]
fn files_of_certificates_are_looked_into_and_blamed_where_they_are_named() {
    let folder = Folder::new("tls");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let other =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = folder.write("certificate.pem", made.cert.pem());
    let key = folder.write("key.pem", made.signing_key.serialize_pem());
    let other = folder.write("other.pem", other.signing_key.serialize_pem());
    let empty = folder.write("empty.pem", "");
    let file = |certificate: &str, key: &str, more: &str| {
        format!(
            "[sip]\nlisten = \"tls:127.0.0.1:5061\"\n[sip.tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n{more}"
        )
    };
    let config = parse(&file(&certificate, &key, "wildcards = true\n"));
    assert_eq!(config.to_gateway().sip.listen[0].0, Transport::Tls);
    assert!(config.sip.tls.verify && config.sip.tls.wildcards);
    complains(&file("nowhere.pem", &key, ""), &["nowhere.pem cannot be used", ":4:15:"]);
    complains(&file(&empty, &key, ""), &["there is no certificate in it", ":4:15:"]);
    complains(&file(&certificate, &other, ""), &["other.pem cannot be used", ":5:7:"]);
    let ca = format!("ca = \"{empty}\"\n");
    complains(&file(&certificate, &key, &ca), &["empty.pem cannot be used", ":6:6:"]);
    let clients = "client_ca = \"nowhere.pem\"\n";
    complains(&file(&certificate, &key, clients), &["nowhere.pem cannot be used", ":6:13:"]);
}

//! `[sip.tls]`: certificates and keys, looked into when the configuration is read.

use tipring_runtime::tls::{Tls, TlsFiles, TlsKey};
use toml::Spanned;

use super::problem::Problem;
use super::section::Section;
use super::value;

/// Reads the section. What is wrong with a file is said where it is named.
pub(super) fn tls(mut s: Section<'_>) -> TlsFiles {
    let mut path = |key| s.parsed(key, value::path).map(Spanned::into_inner);
    let files = TlsFiles {
        certificate: path("certificate"),
        key: path("key"),
        ca: path("ca"),
        client_ca: path("client_ca"),
        verify: s.flag("verify", true),
        wildcards: s.flag("wildcards", false),
    };
    for (one, other) in [("certificate", "key"), ("key", "certificate")] {
        if s.has(one) && !s.has(other) {
            let message = format!("`{one}` is nothing without `{other}`");
            let hint = format!("add a line like `{other} = \"/etc/tipring/{other}.pem\"`");
            s.problem(Problem::new(s.span_of(one), message).hint(hint));
        }
    }
    if files != TlsFiles::default()
        && let Err(error) = Tls::load(&files)
    {
        let key = match error.key {
            TlsKey::Certificate => "certificate",
            TlsKey::Key => "key",
            TlsKey::Ca => "ca",
            TlsKey::ClientCa => "client_ca",
        };
        let hint = match error.key {
            TlsKey::Key => "a file in PEM with the key of the certificate",
            TlsKey::Certificate | TlsKey::Ca | TlsKey::ClientCa => {
                "a file in PEM with certificates"
            }
        };
        s.problem(Problem::new(s.span_of(key), error.to_string()).hint(hint));
    }
    s.finish();
    files
}

/// Where a listener over TLS is named that has no certificate to show.
pub(super) fn without_certificate(
    listen: &[Spanned<super::Listen>],
    files: &TlsFiles,
) -> Vec<Problem> {
    let bare = listen.iter().filter(|listen| listen.get_ref().transport.is_secure());
    let bare = bare.filter(|_| files.certificate.is_none());
    let problem = |listen: &Spanned<super::Listen>| {
        let message = format!("{} needs a certificate", listen.get_ref());
        Problem::new(listen.span(), message)
            .hint("add a section [sip.tls] with `certificate` and `key`")
    };
    bare.map(problem).collect()
}

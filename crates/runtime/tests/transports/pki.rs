//! Certificates for a test, in a folder that goes with it.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
    date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tipring_runtime::tls::TlsFiles;

/// A certificate and its key, in files.
#[derive(Clone)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A CA with its folder.
pub struct Ca {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    pub file: PathBuf,
}

impl Ca {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("tipring-pki-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for temporary files");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let file = folder.join("ca.pem");
        fs::write(&file, certificate.pem()).expect("a file");
        Self { folder, issuer: Issuer::new(params, key), file }
    }

    /// A certificate for these names: `sip:` URIs, addresses, else DNS names.
    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_until(names, 2100)
    }

    /// One that ended long ago.
    pub fn expired(&self, names: &[&str]) -> Pair {
        self.issue_until(names, 2001)
    }

    fn issue_until(&self, names: &[&str], year: i32) -> Pair {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let pair = Pair {
            certificate: self.folder.join(format!("{number}.pem")),
            key: self.folder.join(format!("{number}.key")),
        };
        fs::write(&pair.certificate, certificate.pem()).expect("a file");
        fs::write(&pair.key, key.serialize_pem()).expect("a file");
        pair
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn alternative(name: &str) -> SanType {
    if name.starts_with("sip:") {
        SanType::URI(name.try_into().expect("ASCII"))
    } else if let Ok(address) = name.parse::<IpAddr>() {
        SanType::IpAddress(address)
    } else {
        SanType::DnsName(name.try_into().expect("ASCII"))
    }
}

/// The gateway's settings with this certificate, which believes `ca`.
pub fn files(own: &Pair, ca: &Ca) -> TlsFiles {
    TlsFiles {
        certificate: Some(own.certificate.clone()),
        key: Some(own.key.clone()),
        ca: Some(ca.file.clone()),
        ..TlsFiles::default()
    }
}

fn chain(pair: &Pair) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from_pem_file(&pair.certificate).expect("a certificate");
    (vec![certificate], PrivateKeyDer::from_pem_file(&pair.key).expect("a key"))
}

fn roots(file: &Path) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add(CertificateDer::from_pem_file(file).expect("a certificate")).expect("a CA");
    store
}

/// A client that believes `ca` and shows `own`.
pub fn client(ca: &Ca, own: Option<&Pair>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("cipher suites")
        .with_root_certificates(roots(&ca.file));
    Arc::new(match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let (chain, key) = chain(own);
            builder.with_client_auth_cert(chain, key).expect("a good certificate")
        }
    })
}

/// A server that shows `own`; `clients` must have a certificate of this CA.
pub fn server(own: &Pair, clients: Option<&Ca>) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("cipher suites");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let roots = Arc::new(roots(&ca.file));
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.expect("a CA"))
        }
    };
    let (chain, key) = chain(own);
    Arc::new(builder.with_single_cert(chain, key).expect("a good certificate"))
}

//! Certificates and keys in files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::verify::SipVerifier;

/// Where everything is, all in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Our certificate, followed by those that lead from it to its CA.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// The CAs that servers are believed by; `None` for those of the operating system.
    pub ca: Option<PathBuf>,
    /// The CAs of clients, who must then show a certificate; `None` asks for none.
    pub client_ca: Option<PathBuf>,
    /// Whether servers must prove who they are.
    pub verify: bool,
    /// Whether `*.example.org` is good for `sip.example.org`.
    pub wildcards: bool,
}

impl Default for TlsFiles {
    fn default() -> Self {
        Self {
            certificate: None,
            key: None,
            ca: None,
            client_ca: None,
            verify: true,
            wildcards: false,
        }
    }
}

/// A setting that names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsKey {
    /// [`TlsFiles::certificate`]
    Certificate,
    /// [`TlsFiles::key`]
    Key,
    /// [`TlsFiles::ca`]
    Ca,
    /// [`TlsFiles::client_ca`]
    ClientCa,
}

/// Why there is no TLS. Reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    /// Which setting is wrong.
    pub key: TlsKey,
    /// What is wrong with it.
    pub message: String,
}

/// What listening takes; `None` without a certificate.
pub(super) fn server(files: &TlsFiles) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let Some(own) = own_certificate(files)? else { return Ok(None) };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has the usual cipher suites");
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(roots(path, TlsKey::ClientCa)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            let verifier = verifier.map_err(|error| wrong(TlsKey::ClientCa, path, error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    Ok(Some(Arc::new(builder.with_cert_resolver(Arc::new(own)))))
}

/// What connecting takes.
pub(super) fn client(files: &TlsFiles) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier = SipVerifier {
        roots: if files.verify { Some(trusted(files)?) } else { None },
        wildcards: files.wildcards,
        provider: provider(),
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has the usual cipher suites")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match own_certificate(files)? {
        Some(own) => builder.with_client_cert_resolver(Arc::new(own)),
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Our certificate and its key, which must fit each other.
fn own_certificate(files: &TlsFiles) -> Result<Option<rustls::sign::SingleCertAndKey>, TlsError> {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else { return Ok(None) };
    let chain = certificates(certificate, TlsKey::Certificate)?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(TlsKey::Key, key, error))?;
    let own = CertifiedKey::from_der(chain, secret, &provider())
        .map_err(|error| wrong(TlsKey::Key, key, error))?;
    Ok(Some(own.into()))
}

fn trusted(files: &TlsFiles) -> Result<RootCertStore, TlsError> {
    if let Some(path) = &files.ca {
        return roots(path, TlsKey::Ca);
    }
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (taken, _) = store.add_parsable_certificates(found.certs);
    if taken == 0 {
        let why: String = found.errors.iter().map(|error| format!(": {error}")).collect();
        let message = format!("the operating system has no CAs to believe servers by{why}");
        return Err(TlsError { key: TlsKey::Ca, message });
    }
    Ok(store)
}

fn roots(path: &Path, key: TlsKey) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path, key)? {
        store.add(certificate).map_err(|error| wrong(key, path, error))?;
    }
    Ok(store)
}

fn certificates(path: &Path, key: TlsKey) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(key, path, error))?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(key, path, error))?;
    if found.is_empty() {
        return Err(wrong(key, path, "there is no certificate in it"));
    }
    Ok(found)
}

fn wrong(key: TlsKey, path: &Path, error: impl fmt::Display) -> TlsError {
    TlsError { key, message: format!("{} cannot be used: {error}", path.display()) }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TlsError {}

//! TLS: certificates from files, and who is believed to be at the far end of a connection (RFC 5922).

mod files;
mod identity;
mod verify;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::{InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, CommonState, ServerConfig};
use tipring_gateway::Domain;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use files::{TlsError, TlsFiles, TlsKey};

/// What connections over TLS are made with.
#[derive(Clone, Debug)]
pub struct Tls {
    /// There when we have a certificate.
    server: Option<Arc<ServerConfig>>,
    /// Made when the first connection needs it where the CAs are those of the operating system, which are many.
    client: Arc<OnceCell<Arc<ClientConfig>>>,
    files: TlsFiles,
}

impl Tls {
    /// Reads the files; each error names the setting that it is about.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let server = files::server(files)?;
        let client = if files.ca.is_some() || !files.verify {
            OnceCell::new_with(Some(files::client(files)?))
        } else {
            OnceCell::new()
        };
        Ok(Self { server, client: Arc::new(client), files: files.clone() })
    }

    /// Whether connections can be taken.
    pub fn can_listen(&self) -> bool {
        self.server.is_some()
    }

    /// The handshake with a peer that has connected, and the names that it proves.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: S,
    ) -> io::Result<(tokio_rustls::server::TlsStream<S>, Vec<Domain>)> {
        let server = self.server.clone().ok_or(io::ErrorKind::Unsupported)?;
        let stream = TlsAcceptor::from(server).accept(socket).await?;
        // Clients show certificates where we have CAs to believe them by.
        let names = names_of(stream.get_ref().1);
        Ok((stream, names))
    }

    /// The handshake with a peer that must be `domain`, or whose certificate must name its address, and all names that it
    /// proves.
    pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        socket: S,
        address: IpAddr,
        domain: Option<&Domain>,
    ) -> io::Result<(tokio_rustls::client::TlsStream<S>, Vec<Domain>)> {
        let name = server_name(address, domain).map_err(io::Error::other)?;
        let connector = TlsConnector::from(self.client().await?);
        let stream = connector.connect(name, socket).await?;
        let proven = self.files.verify;
        let names = if proven { names_of(stream.get_ref().1) } else { Vec::new() };
        Ok((stream, names))
    }

    async fn client(&self) -> io::Result<Arc<ClientConfig>> {
        let make = || async {
            let files = self.files.clone();
            let made = tokio::task::spawn_blocking(move || files::client(&files)).await;
            made.map_err(io::Error::other)?.map_err(io::Error::other)
        };
        self.client.get_or_try_init(make).await.cloned()
    }
}

fn server_name(
    address: IpAddr,
    domain: Option<&Domain>,
) -> Result<ServerName<'static>, InvalidDnsNameError> {
    match domain {
        Some(domain) => ServerName::try_from(domain.as_str().to_owned()),
        None => Ok(ServerName::from(address)),
    }
}

/// The names that the peer's certificate proves; none when it has shown none.
fn names_of(connection: &CommonState) -> Vec<Domain> {
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    certificate.map(identity::domains).unwrap_or_default()
}

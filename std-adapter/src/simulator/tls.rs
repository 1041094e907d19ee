//! https for the simulator: a certificate authority of its own, and the one certificate that it signed.
//!
//! SDKs fetch no token by plain http, not even from this machine. So an authority is made, which signs a certificate for
//! the names of this machine, and whose private key is then dropped: nobody can sign another certificate with it. The
//! authority is also constrained to these names. Who trusts it trusts the simulator, and nothing else.
//!
//! ```
//! # use callflow_graph::simulator::Certificates;
//! # fn main() -> Result<(), callflow_graph::simulator::CertificatesError> {
//! let certificates = Certificates::make(&["sim.test".to_owned()], 1_700_000_000)?;
//! assert!(certificates.authority_pem().starts_with("-----BEGIN CERTIFICATE-----"));
//! # Ok(())
//! # }
//! ```
//!
//! Source: RFC 5280 (name constraints); what SDKs demand of an authority's address from trying them.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, date_time_ymd,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// The names that every certificate is for.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// How long a certificate is good, in seconds: a year.
const LIFETIME: u64 = 365 * 24 * 3600;
/// How far the clock of another machine may be behind, in seconds.
const TOLERANCE: u64 = 3600;
/// How long a kept certificate has to be good at least, in seconds: a day of work.
const LEFT_AT_LEAST: u64 = 24 * 3600;
/// The name of the authority's file in a folder.
const AUTHORITY_FILE: &str = "ca.pem";
/// The name of the file with the server's certificate and its key.
const SERVER_FILE: &str = "server.pem";
/// How long a client may take to shake hands.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How many may shake hands at a time.
const HANDSHAKES: usize = 256;

/// A request came by https.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encrypted;

/// What the simulator proves itself with by https: a certificate, its key, and the authority that signed it.
pub struct Certificates {
    authority: CertificateDer<'static>,
    server: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    names: Vec<String>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("names", &self.names)
            .field("key", &"<redacted>")
            .finish_non_exhaustive()
    }
}

/// What became of the certificates in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// They are those of an earlier start: who trusts them already has nothing to do.
    Reused,
    /// There were none.
    Made,
    /// Those that were there could not be used (their time is nearly over, or a name is missing) and were replaced:
    /// clients have to be given the new authority.
    Replaced,
}

/// Why there is no https.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificatesError {
    /// This cannot be in a certificate.
    #[error("`{0}` is no host name and no IP address; give one, without a port or a wildcard")]
    Name(String),
    /// The certificate cannot be made or used.
    #[error("a certificate cannot be made: {0}; serve plain http only")]
    Make(String),
    /// A file cannot be read or written.
    #[error("{path}: {reason}; give another folder")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Certificates {
    /// A new authority, and a certificate for localhost, 127.0.0.1, ::1 and `hosts`, good for a year from `now` (seconds
    /// since the Unix epoch). Nothing of it is written anywhere.
    ///
    /// # Errors
    /// [`CertificatesError::Name`], [`CertificatesError::Make`]
    pub fn make(hosts: &[String], now: u64) -> Result<Self, CertificatesError> {
        let names = names(hosts)?;
        let of_signing = |e: rcgen::Error| CertificatesError::Make(e.to_string());
        let (authority, issuer) = authority(&names, now).map_err(of_signing)?;
        // The authority's key ends here.
        let (server, key) = server(&names, now, &issuer).map_err(of_signing)?;
        Ok(Self { authority, server, key, names })
    }

    /// Those in `folder` where they are good for `hosts` and for a day at least, else new ones, which are written there: the
    /// authority as `ca.pem`, and as `server.pem`, for its owner alone, the server's certificate with its key. The
    /// authority's own key is not written.
    ///
    /// # Errors
    /// [`CertificatesError`]
    pub fn kept_in(folder: &Path, hosts: &[String], now: u64) -> Result<(Self, Kept), CertificatesError> {
        let names = names(hosts)?;
        let files = [folder.join(AUTHORITY_FILE), folder.join(SERVER_FILE)];
        if let Some(kept) = Self::read(&files, &names)?.filter(|kept| kept.is_good(now)) {
            return Ok((kept, Kept::Reused));
        }
        let kept = if files.iter().any(|file| file.exists()) { Kept::Replaced } else { Kept::Made };
        let made = Self::make(hosts, now)?;
        let [authority, server] = files;
        make_folder(folder)?;
        let secret = format!(
            "{}{}",
            in_pem("CERTIFICATE", &made.server),
            in_pem("PRIVATE KEY", made.key.secret_der())
        );
        // The authority comes last: with an old one and a new server the next start makes both anew.
        write_for_owner(&server, &secret)?;
        write(&authority, &made.authority_pem())?;
        Ok((made, kept))
    }

    /// What stands in the files, as far as it can be read.
    fn read(files: &[PathBuf; 2], names: &[String]) -> Result<Option<Self>, CertificatesError> {
        let [authority, server] = files;
        let (Some(authority), Some(server)) = (text_of(authority)?, text_of(server)?) else {
            return Ok(None);
        };
        let certificate = |pem: &[u8]| CertificateDer::from_pem_slice(pem).ok();
        let parts =
            (certificate(&authority), certificate(&server), PrivateKeyDer::from_pem_slice(&server).ok());
        let (Some(authority), Some(server), Some(key)) = parts else { return Ok(None) };
        Ok(Some(Self { authority, server, key, names: names.to_vec() }))
    }

    /// Whether a client that trusts the authority would take the server under each of its names, now and for a while.
    fn is_good(&self, now: u64) -> bool {
        let mut roots = RootCertStore::empty();
        if roots.add(self.authority.clone()).is_err() || self.configuration().is_err() {
            return false;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let Ok(verifier) = verifier else { return false };
        self.names.iter().all(|name| {
            let Ok(name) = ServerName::try_from(name.as_str()) else { return false };
            [now, now.saturating_add(LEFT_AT_LEAST)].into_iter().all(|at| {
                let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
                verifier.verify_server_cert(&self.server, &[], &name, &[], at).is_ok()
            })
        })
    }

    /// The authority's certificate, for clients to trust.
    pub fn authority_pem(&self) -> String {
        in_pem("CERTIFICATE", &self.authority)
    }

    /// The names and addresses that the certificate is for.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn configuration(&self) -> Result<ServerConfig, CertificatesError> {
        let of_tls = |e: tokio_rustls::rustls::Error| CertificatesError::Make(e.to_string());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(of_tls)?
            .with_no_client_auth()
            .with_single_cert(vec![self.server.clone()], self.key.clone_key())
            .map_err(of_tls)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Serves `router` by https, until the future is dropped. What it answers with names https addresses.
    ///
    /// # Errors
    /// [`CertificatesError::Make`] where the certificate cannot be used, [`CertificatesError::File`] never.
    pub async fn serve(&self, listener: TcpListener, router: Router) -> Result<(), CertificatesError> {
        let acceptor = TlsAcceptor::from(Arc::new(self.configuration()?));
        let of_socket = |e: std::io::Error| CertificatesError::Make(e.to_string());
        let local = listener.local_addr().map_err(of_socket)?;
        let (ready, accepted) = mpsc::channel(HANDSHAKES);
        let handshakes = shake_hands(listener, acceptor, ready);
        let served = axum::serve(Accepted { accepted, local }, router.layer(Extension(Encrypted)));
        tokio::select! {
            result = served => result.map_err(of_socket),
            () = handshakes => Ok(()),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Every name that a certificate is for, in lower case, each once.
fn names(hosts: &[String]) -> Result<Vec<String>, CertificatesError> {
    let mut names: Vec<String> = Vec::new();
    for name in OWN_NAMES.into_iter().chain(hosts.iter().map(String::as_str)) {
        let name = name.trim().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if ServerName::try_from(name.as_str()).is_err() {
            return Err(CertificatesError::Name(name));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// An authority that may sign for `names` alone.
fn authority(
    names: &[String],
    now: u64,
) -> Result<(CertificateDer<'static>, Issuer<'static, KeyPair>), rcgen::Error> {
    // A name of its own for each: who trusts an earlier one is not led astray.
    let mark = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("callflow simulator {}", mark.get(..8).unwrap_or_default());
    let mut params = params(&[], &name, now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let permitted_subtrees = names.iter().map(|name| subtree(name)).collect();
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?.der().clone();
    Ok((certificate, Issuer::new(params, key)))
}

/// A certificate for `names`, and its key.
fn server(
    names: &[String],
    now: u64,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let mut params = params(names, "callflow simulator", now)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?.der().clone();
    Ok((certificate, PrivateKeyDer::Pkcs8(key.serialize_der().into())))
}

fn params(names: &[String], common_name: &str, now: u64) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let at = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = at(now.saturating_sub(TOLERANCE));
    params.not_after = at(now.saturating_add(LIFETIME));
    Ok(params)
}

fn subtree(name: &str) -> GeneralSubtree {
    match name.parse::<IpAddr>() {
        Ok(address @ IpAddr::V4(_)) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, 32)),
        Ok(address @ IpAddr::V6(_)) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, 128)),
        Err(_) => GeneralSubtree::DnsName(name.to_owned()),
    }
}

fn in_pem(tag: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(tag, der), config)
}

fn at_file(path: &Path) -> impl Fn(std::io::Error) -> CertificatesError {
    move |error| CertificatesError::File { path: path.to_owned(), reason: error.to_string() }
}

/// What is in a file; nothing where there is none.
fn text_of(path: &Path) -> Result<Option<Vec<u8>>, CertificatesError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at_file(path)(error)),
    }
}

fn make_folder(folder: &Path) -> Result<(), CertificatesError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(at_file(folder))
}

/// Writes a file that holds no secret.
pub(super) fn write(path: &Path, text: &str) -> Result<(), CertificatesError> {
    std::fs::write(path, text).map_err(at_file(path))
}

/// Writes a file that only its owner may read, in place of the one before: a new one, so that nobody has it open.
fn write_for_owner(path: &Path, text: &str) -> Result<(), CertificatesError> {
    let made = path.with_extension("pem.new");
    match std::fs::remove_file(&made) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(at_file(&made)(error)),
        Ok(()) | Err(_) => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&made).map_err(at_file(&made))?;
    file.write_all(text.as_bytes()).map_err(at_file(&made))?;
    std::fs::rename(&made, path).map_err(at_file(path))
}

/// Connections whose handshake is done.
struct Accepted {
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    local: SocketAddr,
}

impl axum::serve::Listener for Accepted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            // Who shook hands is gone, and with it the whole server, which is dropped next.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.local)
    }
}

/// Shakes hands with everybody who comes, with each on its own: one who is slow keeps nobody waiting.
async fn shake_hands(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let mut handshakes = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = handshakes.join_next() => {}
            (stream, peer) = axum::serve::Listener::accept(&mut listener), if handshakes.len() < HANDSHAKES => {
                let (acceptor, ready) = (acceptor.clone(), ready.clone());
                handshakes.spawn(async move {
                    match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                        // Where it cannot be handed on, the server is gone.
                        Ok(Ok(stream)) => drop(ready.send((stream, peer)).await),
                        Ok(Err(error)) => tracing::warn!(%peer, %error, "no https: does this client trust ca.pem?"),
                        Err(_) => tracing::warn!(%peer, "no https: the handshake took too long"),
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! One whole handshake by a TLS library, for what a probe cannot see: the certificates inside TLS 1.3, whether the server
//! has the key to its certificate, and the web page. The library decides nothing about versions and suites.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::door::{Door, Outcome};
use super::http::{HEAD_MAX, Head};

/// What the handshake and the page showed.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The certificates as they were sent.
    pub chain: Vec<Vec<u8>>,
    /// The stapled revocation answer.
    pub staple: Option<Vec<u8>>,
    /// The handshake was finished: the server has the key to its certificate.
    pub is_finished: bool,
    /// The page's head; `None` if it was not asked for, or no HTTP came.
    pub head: Option<Head>,
    /// The application protocol that was agreed on.
    pub protocol: Option<String>,
    /// Why there is less than could be.
    pub fault: Option<String>,
}

/// What a handshake is done with.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Does one handshake, and asks for the page `/` if `asks`.
pub(crate) async fn fetch(door: &Door, provider: &Arc<CryptoProvider>, asks: bool) -> Result<Page, Outcome> {
    let connection = door.open().await?;
    let name = door.name.clone().unwrap_or_else(|| door.address.ip().to_string());
    let recorder = Arc::new(Recorder { provider: provider.clone(), seen: Mutex::default() });
    let mut page = Page::default();
    let seen = handshake(door, connection.stream, recorder.clone(), &name, asks, &mut page);
    // A handshake and a page: two steps.
    if timeout(2 * door.patience, seen).await.is_err() {
        page.fault = Some("no whole answer in time".to_owned());
    }
    let mut seen = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner);
    page.chain = std::mem::take(&mut seen.chain);
    page.staple = seen.staple.take();
    Ok(page)
}

async fn handshake(
    door: &Door,
    stream: tokio::net::TcpStream,
    recorder: Arc<Recorder>,
    name: &str,
    asks: bool,
    page: &mut Page,
) {
    let Ok(server) = ServerName::try_from(name.to_owned()) else {
        page.fault = Some(format!("`{name}` is no name that TLS can ask for"));
        return;
    };
    let config = ClientConfig::builder_with_provider(recorder.provider.clone())
        .with_safe_default_protocol_versions()
        .map(|builder| builder.dangerous().with_custom_certificate_verifier(recorder).with_no_client_auth());
    let mut config = match config {
        Ok(config) => config,
        Err(error) => {
            page.fault = Some(error.to_string());
            return;
        }
    };
    config.resumption = Resumption::disabled();
    config.enable_sni = door.name.is_some();
    if asks {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
    }
    let mut stream = match TlsConnector::from(Arc::new(config)).connect(server, stream).await {
        Ok(stream) => stream,
        Err(error) => {
            page.fault = Some(crate::plain::plain(&error.to_string(), 160));
            return;
        }
    };
    page.is_finished = true;
    page.protocol = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    if asks {
        match ask(&mut stream, name).await {
            Ok(head) => page.head = head,
            Err(error) => page.fault = Some(crate::plain::plain(&error.to_string(), 160)),
        }
    }
}

/// Asks for the page `/` over a stream that is ready for it. `Ok(None)`: what came is no HTTP.
pub(crate) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    host: &str,
) -> std::io::Result<Option<Head>> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: octro\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let count = match stream.read(&mut buffer).await {
            Ok(count) => count,
            // A server that says all and then ends in an unfriendly way has said all.
            Err(_) if !bytes.is_empty() => 0,
            Err(error) => return Err(error),
        };
        bytes.extend(buffer.iter().take(count));
        let is_whole =
            bytes.windows(4).any(|end| end == b"\r\n\r\n") || bytes.windows(2).any(|end| end == b"\n\n");
        if count == 0 || is_whole || bytes.len() > HEAD_MAX {
            return Ok(Head::read(&bytes));
        }
        if bytes.len() >= 5 && !bytes.starts_with(b"HTTP/") {
            return Ok(None);
        }
    }
}

/// Writes down what the server shows, and believes no certificate; the handshake's signature is checked.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    chain: Vec<Vec<u8>>,
    staple: Option<Vec<u8>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        staple: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.chain = std::iter::once(leaf).chain(between).take(16).map(|der| der.to_vec()).collect();
        seen.staple = (!staple.is_empty()).then(|| staple.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

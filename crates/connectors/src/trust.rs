//! Whom to believe over TLS when a server is asked over its own protocol.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use octro_model::{UnknownReason, Why};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// The largest file of roots, in bytes.
const ROOTS_MAX: u64 = 16 << 20;

/// The authorities in a file, or the public ones; if the file cannot be used, its name and why.
pub(crate) fn trust(roots: Option<&Path>) -> Result<Arc<ClientConfig>, (String, UnknownReason)> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let failed = |error: String| (path.display().to_string(), UnknownReason::new(Why::Failed, error));
            let mut bytes = Vec::new();
            let file = File::open(path).map_err(|error| failed(error.to_string()))?;
            file.take(ROOTS_MAX).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
            for certificate in CertificateDer::pem_slice_iter(&bytes) {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                store.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
            if store.is_empty() {
                return Err(failed("there is no certificate in it; expected PEM".to_owned()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ("TLS".to_owned(), UnknownReason::new(Why::Failed, error.to_string())))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

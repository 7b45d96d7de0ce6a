use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use x509_parser::{certificate::X509Certificate, parse_x509_certificate};

/// Lets callers in whose certificates nobody else has signed, beside those of authorities.
///
/// Such a certificate vouches for nothing by itself. The handshake proves that the caller has its
/// key, and a credential that names this very certificate says whose it is (RFC 8705, section 2.2).
#[derive(Debug)]
pub(super) struct SelfSigned {
    pub(super) authorities: Option<Arc<dyn ClientCertVerifier>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl SelfSigned {
    /// Whether a certificate is signed with its own key. That its two names are the same does not
    /// say so.
    fn is_self_signed(&self, read: &X509Certificate<'_>) -> bool {
        let key = &read.public_key().subject_public_key.data;
        let signature = &read.signature_value.data;
        let message = read.tbs_certificate.as_ref();
        let signs = |algorithm: &&dyn SignatureVerificationAlgorithm| {
            let checked = algorithm.verify_signature(key, message, signature);
            checked.is_ok()
        };
        read.issuer().as_raw() == read.subject().as_raw() && self.algorithms.all.iter().any(signs)
    }
}

impl ClientCertVerifier for SelfSigned {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: a caller who reads names here shows only what these have signed.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let broken = Error::InvalidCertificate(CertificateError::BadEncoding);
        let (rest, read) = parse_x509_certificate(shown).map_err(|_| broken.clone())?;
        if !rest.is_empty() {
            return Err(broken);
        }
        if !self.is_self_signed(&read) {
            let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
            let authorities = self.authorities.as_ref().ok_or(unknown)?;
            return authorities.verify_client_cert(shown, intermediates, now);
        }
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let valid = read.validity();
        if now < valid.not_before.timestamp() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > valid.not_after.timestamp() {
            return Err(CertificateError::Expired.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, shown, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, shown, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

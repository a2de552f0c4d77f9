//! Who a certificate says that its holder is (RFC 5922 §7.1, §7.2).

use rustls::pki_types::{CertificateDer, ServerName};
use tipring_gateway::Domain;
use tipring_sip::message::{Host, Uri};
use webpki::EndEntityCert;

/// Names of one certificate that are looked at.
const MAX_NAMES: usize = 100;

/// The SIP domains that a certificate names.
///
/// Its URIs `sip:example.org` say so; without any, its DNS names do. The common name is not looked at.
pub(super) fn domains(certificate: &CertificateDer<'_>) -> Vec<Domain> {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    names(&certificate)
        .filter_map(|name| Some(Domain::of(&Host::parse(name.as_bytes()).ok()?)))
        .collect()
}

/// Whether a certificate names whom we look for.
pub(super) fn is_for(
    certificate: &EndEntityCert<'_>,
    wanted: &ServerName<'_>,
    wildcards: bool,
) -> bool {
    let wanted_text = wanted.to_str();
    let by_name = names(certificate).any(|name| {
        name.eq_ignore_ascii_case(&wanted_text) || wildcards && is_wildcard_for(&name, &wanted_text)
    });
    // RFC 5922 knows of no addresses in certificates, but a SIP URI may have nothing else to go by.
    let by_address = matches!(wanted, ServerName::IpAddress(_))
        && certificate.verify_is_valid_for_subject_name(wanted).is_ok();
    by_name || by_address
}

fn names(certificate: &EndEntityCert<'_>) -> impl Iterator<Item = String> {
    let uris: Vec<String> =
        certificate.valid_uri_names().take(MAX_NAMES).filter_map(sip_domain).collect();
    let dns = uris.is_empty().then(|| certificate.valid_dns_names().map(str::to_owned));
    uris.into_iter()
        .chain(dns.into_iter().flatten().take(MAX_NAMES))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The host of a `sip:` URI without a user, which names a domain and not one person in it.
fn sip_domain(uri: &str) -> Option<String> {
    let uri = Uri::parse(uri.as_bytes()).ok()?;
    let sip = uri.as_sip().filter(|sip| !sip.secure && sip.user().is_none())?;
    Some(match &sip.host {
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
        Host::Name(name) => name.to_string(),
    })
}

/// `*.example.org` for `sip.example.org`; one label and no more.
fn is_wildcard_for(pattern: &str, wanted: &str) -> bool {
    let Some((label, parent)) = wanted.split_once('.') else { return false };
    !label.is_empty()
        && pattern.strip_prefix("*.").is_some_and(|rest| rest.eq_ignore_ascii_case(parent))
}

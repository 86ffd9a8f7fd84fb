//! Makes the certificates that the tests show each other: certificates FOLDER. For each name a chain,
//! `name.pem`, and its key, `name-key.pem`. Nothing of it outlives the build tree.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../src/tls/version_1.rs"]
mod version_1;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const REVOKED: u64 = 4711;
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The folder to write to.
struct Folder(PathBuf);

impl Folder {
    fn write(&self, name: &str, text: &str) -> Outcome {
        Ok(fs::write(self.0.join(format!("{name}.pem")), text)?)
    }

    fn write_owner(&self, name: &str, chain: &str, key: &KeyPair) -> Outcome {
        self.write(name, chain)?;
        self.write(&format!("{name}-key"), &key.serialize_pem())
    }
}

/// Who issues certificates.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Authority {
    fn new(name: &str, parent: Option<&Authority>) -> Outcome<Authority> {
        let mut params = named(name, &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A server may try to use it as its own; OpenSSL would not without the last of these.
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let pem = match parent {
            None => params.self_signed(&key)?,
            Some(parent) => params.signed_by(&key, &parent.issuer())?,
        }
        .pem();
        Ok(Authority { params, key, pem })
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    fn issue(&self, folder: &Folder, name: &str, params: &CertificateParams) -> Outcome {
        let key = KeyPair::generate()?;
        folder.write_owner(name, &params.signed_by(&key, &self.issuer())?.pem(), &key)
    }

    /// A list that takes back the certificate with the number [`REVOKED`].
    fn revocation_list(&self) -> Outcome<String> {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(REVOKED),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer())?.pem()?)
    }
}

/// A certificate is called as its file.
fn named(name: &str, alternatives: &[&str]) -> Outcome<CertificateParams> {
    let alternatives: Vec<String> = alternatives.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(alternatives)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn server(name: &str, alternatives: &[&str]) -> Outcome<CertificateParams> {
    let mut params = named(name, alternatives)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn client(name: &str) -> Outcome<CertificateParams> {
    let mut params = server(name, &["client"])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn in_pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", der))
}

fn servers(folder: &Folder, ca: &Authority, other: &Authority) -> Outcome {
    ca.issue(folder, "good", &server("good", &LOCAL)?)?;
    ca.issue(folder, "wrong-name", &server("wrong-name", &["example.test", "another.test"])?)?;
    ca.issue(folder, "address", &server("address", &["127.0.0.1"])?)?;
    ca.issue(folder, "wildcard", &server("wildcard", &["*.example.test"])?)?;
    other.issue(folder, "unknown-issuer", &server("unknown-issuer", &LOCAL)?)?;

    let mut expired = server("expired", &LOCAL)?;
    expired.not_after = date_time_ymd(2020, 2, 3);
    ca.issue(folder, "expired", &expired)?;
    let mut early = server("not-yet-valid", &LOCAL)?;
    early.not_before = date_time_ymd(3000, 2, 3);
    ca.issue(folder, "not-yet-valid", &early)?;
    let mut revoked = server("revoked", &LOCAL)?;
    revoked.serial_number = Some(SerialNumber::from(REVOKED));
    ca.issue(folder, "revoked", &revoked)?;
    let mut authority = server("authority-as-peer", &LOCAL)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.issue(folder, "authority-as-peer", &authority)?;

    let key = KeyPair::generate()?;
    folder.write_owner("self-signed", &server("self-signed", &LOCAL)?.self_signed(&key)?.pem(), &key)?;
    let old = server("version-1", &LOCAL)?.self_signed(&key)?;
    folder.write_owner("version-1", &in_pem(&version_1::of(old.der(), &key)), &key)?;
    let below = Authority::new("intermediate", Some(ca))?;
    let key = KeyPair::generate()?;
    let leaf = server("chained", &LOCAL)?.signed_by(&key, &below.issuer())?.pem();
    folder.write_owner("chained", &format!("{leaf}{}", below.pem), &key)?;
    folder.write_owner("incomplete", &leaf, &key)
}

fn clients(folder: &Folder, ca: &Authority, other: &Authority) -> Outcome {
    ca.issue(folder, "client", &client("client")?)?;
    other.issue(folder, "other-client", &client("other-client")?)?;
    let key = KeyPair::generate()?;
    let old = client("version-1-client")?.signed_by(&key, &ca.issuer())?;
    folder.write_owner("version-1-client", &in_pem(&version_1::of(old.der(), &ca.key)), &key)?;
    let mut expired = client("expired-client")?;
    expired.not_after = date_time_ymd(2020, 2, 3);
    ca.issue(folder, "expired-client", &expired)
}

fn main() -> Outcome {
    let path = std::env::args().nth(1).ok_or("usage: certificates FOLDER")?;
    fs::create_dir_all(Path::new(&path))?;
    let folder = Folder(path.into());
    let ca = Authority::new("authority", None)?;
    let other = Authority::new("other-authority", None)?;
    folder.write_owner("authority", &ca.pem, &ca.key)?;
    folder.write_owner("other-authority", &other.pem, &other.key)?;
    folder.write("revocation-list", &ca.revocation_list()?)?;
    servers(&folder, &ca, &other)?;
    clients(&folder, &ca, &other)?;
    // Last, so that who finds it finds all.
    folder.write("complete", "")
}

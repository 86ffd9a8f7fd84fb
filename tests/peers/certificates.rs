//! Writes what the tests with real servers show each other into a folder: for each name a certificate
//! chain, `name.pem`, and its key, `name.key`; and `revoked.crl`, a revocation list.
//!
//! ```text
//! cargo run --example certificates -- FOLDER
//! ```

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const REVOKED: u64 = 99;

/// The folder to write to.
struct Folder(PathBuf);

impl Folder {
    fn write(&self, name: &str, chain: &str, key: &KeyPair) -> Outcome {
        fs::write(self.0.join(format!("{name}.pem")), chain)?;
        fs::write(self.0.join(format!("{name}.key")), key.serialize_pem())?;
        Ok(())
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
        folder.write(name, &params.signed_by(&key, &self.issuer())?.pem(), &key)
    }

    /// A list that takes back the certificate with the number [`REVOKED`].
    fn revoke(&self, folder: &Folder) -> Outcome {
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
        fs::write(folder.0.join("revoked.crl"), list.signed_by(&self.issuer())?.pem()?)?;
        Ok(())
    }
}

fn named(name: &str, alternatives: &[&str]) -> Outcome<CertificateParams> {
    let alternatives: Vec<String> = alternatives.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(alternatives)?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

fn changed(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

fn server(alternatives: &[&str]) -> Outcome<CertificateParams> {
    let mut params = named("Test Server", alternatives)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn client(name: &str) -> Outcome<CertificateParams> {
    let mut params = named(name, &[name])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn servers(folder: &Folder, ca: &Authority, other: &Authority) -> Outcome {
    let good = server(&["localhost", "127.0.0.1"])?;
    ca.issue(folder, "good", &good)?;
    other.issue(folder, "unknown", &good)?;
    ca.issue(folder, "wrong", &server(&["other.test", "another.test"])?)?;
    ca.issue(folder, "address", &server(&["127.0.0.1"])?)?;
    ca.issue(folder, "wildcard", &server(&["*.wild.test"])?)?;

    let expired = changed(good.clone(), |params| params.not_after = date_time_ymd(2020, 2, 3));
    ca.issue(folder, "expired", &expired)?;
    let early = changed(good.clone(), |params| params.not_before = date_time_ymd(3000, 2, 3));
    ca.issue(folder, "early", &early)?;
    let revoked = changed(good.clone(), |params| params.serial_number = Some(SerialNumber::from(REVOKED)));
    ca.issue(folder, "revoked", &revoked)?;

    let key = KeyPair::generate()?;
    folder.write("self_signed", &good.self_signed(&key)?.pem(), &key)?;
    let below = Authority::new("Test Intermediate", Some(ca))?;
    let key = KeyPair::generate()?;
    let leaf = good.signed_by(&key, &below.issuer())?.pem();
    folder.write("chained", &format!("{leaf}{}", below.pem), &key)?;
    folder.write("incomplete", &leaf, &key)
}

fn clients(folder: &Folder, ca: &Authority, other: &Authority) -> Outcome {
    ca.issue(folder, "client", &client("alice")?)?;
    other.issue(folder, "stranger", &client("mallory")?)?;
    let expired = changed(client("bob")?, |params| params.not_after = date_time_ymd(2020, 2, 3));
    ca.issue(folder, "expired_client", &expired)
}

fn main() -> Outcome {
    let path = std::env::args().nth(1).ok_or("usage: certificates FOLDER")?;
    fs::create_dir_all(Path::new(&path))?;
    let folder = Folder(path.into());
    let ca = Authority::new("Test Authority", None)?;
    let other = Authority::new("Other Authority", None)?;
    folder.write("ca", &ca.pem, &ca.key)?;
    folder.write("other", &other.pem, &other.key)?;
    ca.revoke(&folder)?;
    servers(&folder, &ca, &other)?;
    clients(&folder, &ca, &other)
}
